/** What the engine must know of a kind's standard form, and no more. */
import type { Digest, Kind } from './contract.js';
import { digestMail } from './mail.js';

export interface KindRules<B> {
  /** The digest of the kind's canonical form. */
  digest(body: B): Digest;
  size(body: B): number;
}

export const kinds = {
  mail: { digest: digestMail, size: (body: Buffer) => body.length },
} as const satisfies Record<Kind, KindRules<never>>;
