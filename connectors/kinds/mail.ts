/**
 * The standard form of kind `mail` between source and target, and the one definition of equality.
 * The reasons are in docs/equality.md.
 */
import { createHash } from 'node:crypto';
import type { Digest, JsonObject } from '../contract.js';
import { dateOfHeader } from '../formats/written-date.js';

/** A message: RFC 5322 bytes as the source gave them. */
export type Mail = Buffer;

export interface MailMeta extends JsonObject {
  /** System flags with their backslash (`\Seen`) and keywords as they are; sorted; without `\Recent` and `\Deleted`. */
  readonly flags: readonly string[];
  /** INTERNALDATE to the second with its zone, e.g. `2019-03-01T10:22:03+01:00`; absent where the source has none. */
  readonly date?: string;
}

/** Headers beyond are not looked at for a date. */
const HEAD_BYTES = 64 * 1024;

/**
 * When a message arrived: as the source tells, else as its headers do. Without either a target takes the present, and mail
 * of years ago stands on top of the mailbox.
 */
export function arrivalOf({ date }: MailMeta, message: Mail): string | undefined {
  return date ?? dateOfHeader(message.toString('latin1', 0, Math.min(headerEnd(message), HEAD_BYTES)));
}

const SPELLINGS = new Map(
  // System flags (RFC 9051, section 2.3.2), and the keywords that mean the same everywhere (RFC 5788).
  ['\\Seen', '\\Answered', '\\Flagged', '\\Draft']
    .concat(['$Forwarded', '$MDNSent', '$Junk', '$NotJunk', '$Phishing', '$Important', '$SubmitPending', '$Submitted'])
    .map((flag) => [flag.toLowerCase(), flag]),
);

/**
 * Flags as `MailMeta` holds them: flags know no letter case (RFC 9051, section 2.3.2), so registered ones get their usual
 * spelling, and of two spellings of another the first stays.
 */
export function standardFlags(flags: readonly string[]): readonly string[] {
  const found = new Map<string, string>();
  for (const flag of flags) {
    const folded = flag.toLowerCase();
    if (folded === '' || folded === '\\recent' || folded === '\\deleted' || folded === '\\*') continue;
    if (!found.has(folded)) found.set(folded, SPELLINGS.get(folded) ?? flag);
  }
  return [...found.values()].sort();
}

/** Header fields that tools add to a message on its way; they do not make it another message. `m`: at the start of a line. */
const TOOL_HEADER = /^x-tuid:/im;

/** Enough of a field to tell its name. */
const TOOL_NAME_BYTES = 7;

const LF = 10;
const CR = 13;
const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');
const NUL_ON_THE_WIRE = 0x80;

/**
 * The canonical form: CRLF line ends with no further CR before them, the last line ended too, NUL as 0x80 (Dovecot's rewriting), and no
 * header that only a tool added. Two messages are equal when their canonical forms are. May return its
 * argument; canonical in, the same out.
 */
export function canonicalMail(message: Buffer): Buffer {
  return withoutToolHeaders(isInLines(message) ? message : rewrittenInLines(message));
}

/** SHA-256 of the canonical form, in lower-case hex. */
export function digestMail(message: Buffer): Digest {
  return createHash('sha256').update(canonicalMail(message)).digest('hex');
}

function isInLines(message: Buffer): boolean {
  if (message.length < 2 || message[message.length - 1] !== LF || message.includes(0)) return false;
  for (let at = message.indexOf(LF); at !== -1; at = message.indexOf(LF, at + 1)) {
    if (message[at - 1] !== CR || message[at - 2] === CR) return false;
  }
  return true;
}

function rewrittenInLines(message: Buffer): Buffer {
  let bareLineFeeds = 0;
  for (let at = message.indexOf(LF); at !== -1; at = message.indexOf(LF, at + 1)) {
    if (message[at - 1] !== CR) bareLineFeeds++;
  }
  const out = Buffer.allocUnsafe(message.length + bareLineFeeds + CRLF.length);
  let to = 0;
  let before = 0;
  // A loop over bytes: copying line by line was slower for the short lines of mail.
  for (let from = 0; from < message.length; from++) {
    const byte = message[from] as number;
    if (byte === LF) {
      to = withoutEndingCr(out, to);
      out[to++] = CR;
    }
    out[to++] = byte === 0 ? NUL_ON_THE_WIRE : byte;
    before = byte;
  }
  if (before !== LF) {
    to = withoutEndingCr(out, to);
    to += CRLF.copy(out, to);
  }
  return out.subarray(0, to);
}

/** Carriage returns before a line end, or at the very end, are part of it: Dovecot drops all but one. */
function withoutEndingCr(out: Buffer, length: number): number {
  let to = length;
  while (to > 0 && out[to - 1] === CR) to--;
  return to;
}

function withoutToolHeaders(message: Buffer): Buffer {
  const end = headerEnd(message);
  if (!TOOL_HEADER.test(message.toString('latin1', 0, end))) return message;
  const kept: Buffer[] = [];
  for (let at = 0; at < end; ) {
    const next = nextHeader(message, at, end);
    if (!TOOL_HEADER.test(message.toString('latin1', at, Math.min(next, at + TOOL_NAME_BYTES))))
      kept.push(message.subarray(at, next));
    at = next;
  }
  const rest = Buffer.concat([...kept, message.subarray(end)]);
  return rest.length === 0 ? CRLF : rest;
}

/** Where the blank line after the headers begins; the whole length when there is none. */
function headerEnd(message: Buffer): number {
  if (message[0] === CR && message[1] === LF) return 0;
  const at = message.indexOf(BLANK_LINE);
  return at === -1 ? message.length : at + CRLF.length;
}

/** The start of the next header field: folded lines begin with a blank (RFC 5322, section 2.2.3). */
function nextHeader(message: Buffer, at: number, end: number): number {
  for (let from = at; ; ) {
    const lineEnd = message.indexOf(LF, from);
    if (lineEnd === -1 || lineEnd + 1 >= end) return end;
    const first = message[lineEnd + 1];
    if (first !== 0x20 && first !== 0x09) return lineEnd + 1;
    from = lineEnd + 1;
  }
}
