/**
 * Digests carry the version of the rules by which they were made: a byte before the hash. Version 1, of Drover up to 0.4,
 * has none; those of mail and files are of version 1 for ever. An old digest is never compared with a new one: it is
 * computed anew from the body that is at hand (`isDigestOf`).
 */
import { createHash } from 'node:crypto';
import type { Digest } from '../contract.js';

const HASH_HEX = 64;

/** `canonical` begins with no version of its own: JSON, as a rule. */
export function digestOf(version: number, canonical: string, encoding: 'utf8' | 'latin1' = 'utf8'): Digest {
  const hash = createHash('sha256').update(canonical, encoding).digest('hex');
  return version.toString(16).padStart(2, '0') + hash;
}

function versionOf(digest: Digest): number {
  return digest.length === HASH_HEX ? 1 : Number.parseInt(digest.slice(0, -HASH_HEX), 16);
}

/** How a kind makes digests, and how it made them in version 1, where its rules are others now. */
export interface DigestRules<B> {
  digest(body: B): Digest;
  digest1?(body: B): Digest;
}

/** Something with its digest of the present version, and the body that it was made of. */
export interface Digested<B> {
  readonly digest: Digest;
  readonly body?: B;
}

/** Whether a digest that was written down, in whatever version, is that of this body. */
export function isDigestOf<B>(rules: DigestRules<B>, { digest, body }: Digested<B>, stored: Digest | null): boolean {
  if (stored === null || stored === digest) return stored === digest;
  if (!isOutdated(rules, stored) || body === undefined) return false;
  return rules.digest1?.(body) === stored;
}

/** Whether a digest was made by rules that are no more. */
export function isOutdated<B>(rules: DigestRules<B>, stored: Digest | null): boolean {
  return rules.digest1 !== undefined && stored !== null && versionOf(stored) === 1;
}

/** The digest of this body in each version, the present one first: by any of them it may be written down. */
export function everyDigest<B>(rules: DigestRules<B>, { digest, body }: Digested<B>): readonly Digest[] {
  return rules.digest1 === undefined || body === undefined ? [digest] : [digest, rules.digest1(body)];
}
