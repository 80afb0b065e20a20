/**
 * Specs that are too large for one message of Temporal (2 MiB, which encryption and what wraps it share): the canonical
 * text is cut into parts, and each is compressed for itself. So parts of one text are the same in number and content
 * whoever made them, and none unpacks to more than PART_BYTES.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { canonicalJson } from './hash.js';
import type { Spec } from './spec.js';

/** Of the text, in bytes. What cannot be compressed has 1,333,400 characters as a part; accounts have some 250,000. */
export const PART_BYTES = 1_000_000;
/** Some 600,000 accounts; the worker that puts a spec together holds all of it. */
export const MAX_PARTS = 48;

export interface SpecPart {
  /** Of the whole spec: `specHash`. */
  readonly hash: string;
  /** From 1. */
  readonly part: number;
  readonly of: number;
  /** Gzip, in base64. */
  readonly data: string;
}

/** All parts, in order; of more than MAX_PARTS × PART_BYTES nobody takes any. */
export function packSpec(spec: Spec): SpecPart[] {
  const text = Buffer.from(canonicalJson(spec));
  const hash = createHash('sha256').update(text).digest('hex');
  const of = Math.ceil(text.length / PART_BYTES);
  return Array.from({ length: of }, (_, index) => ({
    hash,
    part: index + 1,
    of,
    data: gzipSync(text.subarray(index * PART_BYTES, (index + 1) * PART_BYTES)).toString('base64'),
  }));
}

/**
 * The spec that all parts together are, in their order; or why they are none, in words that fit behind "the accounts of
 * the spec cannot be used:". Takes no more memory than MAX_PARTS × PART_BYTES allow, whatever the parts say.
 */
export function unpackSpec(
  hash: string,
  parts: readonly string[],
): { readonly spec: Spec } | { readonly problem: string } {
  if (parts.length > MAX_PARTS)
    return { problem: `there are ${parts.length} parts, and at most ${MAX_PARTS} are taken` };
  const pieces: Buffer[] = [];
  for (const [index, data] of parts.entries()) {
    const piece = unpacked(data);
    if (piece === undefined) return { problem: `part ${index + 1} of ${parts.length} is damaged, or none of ours` };
    pieces.push(piece);
  }
  const text = Buffer.concat(pieces);
  if (createHash('sha256').update(text).digest('hex') !== hash) return { problem: 'they are not those of its hash' };
  const spec = parsed(text);
  return isSpec(spec) ? { spec } : { problem: 'what they hold is no spec' };
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Undefined for what is not base64, not gzip, cut off, or larger than a part may be. */
function unpacked(data: string): Buffer | undefined {
  // The decoder passes over what is not base64.
  if (data.length > 2 * PART_BYTES || data.length % 4 !== 0 || !BASE64.test(data)) return undefined;
  try {
    return gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: PART_BYTES });
  } catch {
    return undefined;
  }
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The command has validated it; what does not even look like one would fail without a sentence. */
function isSpec(value: unknown): value is Spec {
  const spec = value as Partial<Spec> | null | undefined;
  return typeof spec?.name === 'string' && Array.isArray(spec.selections);
}
