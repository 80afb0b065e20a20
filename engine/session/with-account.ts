/** Options of a connector for one account: `{account}` stands for it wherever the spec says so. */
import type { JsonObject } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';

/** In URLs it is part of a path: guests of Azure have "#" in their names. Throws for what would lead out of that. */
export function withAccount(options: JsonObject, account: string): JsonObject {
  return JSON.parse(JSON.stringify(options), (_key, value) => {
    if (typeof value !== 'string' || !value.includes('{account}')) return value;
    if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return value.replaceAll('{account}', () => account);
    const segments = account.split('/');
    if (segments.some((segment) => segment === '.' || segment === '..')) {
      throw new Fault('spec', `the account "${account}" would lead out of ${value}`, { next: 'correct the account' });
    }
    const path = segments.map((segment) => encodeURIComponent(segment).replaceAll('%40', '@')).join('/');
    return value.replaceAll('{account}', () => path);
  }) as JsonObject;
}
