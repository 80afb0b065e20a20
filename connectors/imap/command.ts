/** Commands as they are written: text with literals, and the quoting of arguments (RFC 9051, section 4). */

import type { Phase } from './faults.js';
import type { DataReply, StatusReply } from './reply.js';

/** Bytes sent as a literal; `binary` as literal8 (RFC 3516), which may hold NUL. */
export interface Literal {
  readonly literal: Buffer;
  readonly binary?: boolean;
}
/** Text is latin1, one byte a character. */
export type Piece = string | Literal;

export interface Command {
  /** For messages, e.g. `UID FETCH`; without arguments. */
  readonly name: string;
  readonly pieces: readonly Piece[];
  readonly phase?: Phase;
  /** The longest literal that may answer it, where that is more than MAX_TEXT_BYTES. */
  readonly literalBytes?: number;
  /** Untagged replies that come while this is in flight: also those to other commands, so look at the content. */
  readonly onReply?: (reply: DataReply | StatusReply) => void;
  /** Answers a continuation that no literal asked for, as SASL does; returns the line to send. */
  readonly onContinue?: (text: string) => string;
}

/** Names, flags and dates come as literals too; longer ones are not kept. */
export const MAX_TEXT_BYTES = 1024 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the RFC's ATOM-CHAR excludes them
const ATOM = /^[^\x00-\x20\x7f-\xff(){%*"\\\]]+$/;
const QUOTABLE = /^[\x20-\x7e]*$/;

/** An astring: atom, quoted string, or a literal where it holds bytes that neither may. */
export function astring(text: string): Piece {
  if (ATOM.test(text) && text.toUpperCase() !== 'NIL') return text;
  return quotedOrLiteral(text);
}

/** A string that is never an atom, e.g. for passwords. */
export function quotedOrLiteral(text: string): Piece {
  if (QUOTABLE.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`;
  return { literal: Buffer.from(text, 'latin1') };
}

/** Whether the flag can be written in a command: an atom, or a backslash and an atom. */
export function isSendableFlag(flag: string): boolean {
  return ATOM.test(flag.startsWith('\\') ? flag.slice(1) : flag);
}
