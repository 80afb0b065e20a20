/** Options of a connector for one account: `{account}` stands for it wherever the spec says so. */
import type { JsonObject } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';

/**
 * In URLs it is part of a path: guests of Azure have "#" in their names. Throws for what would lead out of that, and out of
 * a folder: whoever names the accounts must not choose the file that a secret is read from.
 */
export function withAccount(options: JsonObject, account: string): JsonObject {
  const segments = account.split('/');
  const leadsOut = segments.some((segment) => segment === '.' || segment === '..');
  const inUrl = segments.map((segment) => encodeURIComponent(segment).replaceAll('%40', '@')).join('/');
  return JSON.parse(JSON.stringify(options), (key, value) => {
    if (typeof value !== 'string' || !value.includes('{account}')) return value;
    const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
    if (leadsOut && (isUrl || PATHS.includes(key) || value.includes('/')))
      throw new Fault('spec', `the account "${account}" would lead out of ${value}`, { next: 'correct the account' });
    return value.replaceAll('{account}', () => (isUrl ? inUrl : account));
  }) as JsonObject;
}

/** Options that are paths, also where they are nothing but `{account}`. */
const PATHS: readonly string[] = ['file', 'path'];
