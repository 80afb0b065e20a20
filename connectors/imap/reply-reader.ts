/**
 * Cuts a byte stream into IMAP replies. A reply is a line that may carry literals (RFC 9051, section 4.3):
 * text and literals alternate, and only the last text ends the reply. Each byte is looked at once and each
 * literal copied once, however the network splits it.
 */
import { Fault } from '../errors.js';

/** A literal of so many bytes that was longer than anyone asked for: its bytes went by and were not kept. */
export interface Skipped {
  readonly skipped: number;
}

/** Text (latin1, one character a byte) and literals as they alternate in one reply, without the line end. */
export type ReplyParts = readonly (string | Buffer | Skipped)[];

const LF = 10;
const CR = 13;
const CLOSING_BRACE = 0x7d;

/** A search over some millions of messages answers in one line; more than this is not IMAP. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** More is not waited for. */
const MAX_LITERAL_BYTES = 4 * 1024 * 1024 * 1024;

/** Human text may end in `{5}` and is not a literal then (resp-text of RFC 9051). */
const TEXT_REPLY = /^(\+|\S+ (OK|NO|BAD|BYE|PREAUTH))( |$)/i;
const LITERAL_AT_END = /~?\{(\d+)\}$/;

export class ReplyReader {
  readonly #onReply: (parts: ReplyParts) => void;
  readonly #mostBytes: () => number;
  #parts: (string | Buffer | Skipped)[] = [];
  #line: Buffer[] = [];
  #lineBytes = 0;
  #literal: Buffer | undefined;
  #filled = 0;
  #toSkip = 0;

  /** `mostBytes` tells how long a literal may be now to be kept. */
  constructor(onReply: (parts: ReplyParts) => void, mostBytes: () => number = () => MAX_LITERAL_BYTES) {
    this.#onReply = onReply;
    this.#mostBytes = mostBytes;
  }

  /** Whether a reply has begun and is not complete. */
  get pending(): boolean {
    return this.#parts.length > 0 || this.#lineBytes > 0 || this.#literal !== undefined || this.#toSkip > 0;
  }

  /** Takes the next bytes; calls `onReply` for each reply they complete. Throws `Fault` for what is not IMAP. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#toSkip > 0) {
        const skipped = Math.min(this.#toSkip, chunk.length - at);
        this.#toSkip -= skipped;
        at += skipped;
        continue;
      }
      at = this.#literal === undefined ? this.#takeLine(chunk, at) : this.#takeLiteral(this.#literal, chunk, at);
    }
  }

  #takeLiteral(literal: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(literal, this.#filled, at);
    this.#filled += copied;
    if (this.#filled === literal.length) {
      this.#parts.push(literal);
      this.#literal = undefined;
    }
    return at + copied;
  }

  #takeLine(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(LF, at);
    if (end === -1) {
      this.#keep(chunk.subarray(at));
      return chunk.length;
    }
    const line = this.#lineBytes === 0 ? chunk.subarray(at, end) : this.#joined(chunk.subarray(at, end));
    this.#endLine(line[line.length - 1] === CR ? line.subarray(0, line.length - 1) : line);
    return end + 1;
  }

  #keep(piece: Buffer): void {
    // A copy: the rest of the chunk may be large and would be held as long.
    this.#line.push(Buffer.from(piece));
    this.#lineBytes += piece.length;
    if (this.#lineBytes > MAX_LINE_BYTES) {
      throw new Fault('unavailable', `the server sent a line of more than ${MAX_LINE_BYTES} bytes`);
    }
  }

  #joined(last: Buffer): Buffer {
    const line = Buffer.concat([...this.#line, last]);
    this.#line = [];
    this.#lineBytes = 0;
    return line;
  }

  #endLine(line: Buffer): void {
    const text = line.toString('latin1');
    const length = line[line.length - 1] === CLOSING_BRACE ? LITERAL_AT_END.exec(text) : null;
    if (length === null || TEXT_REPLY.test(this.#firstText(text))) {
      const parts = [...this.#parts, text];
      this.#parts = [];
      this.#onReply(parts);
      return;
    }
    const bytes = Number(length[1]);
    if (bytes > MAX_LITERAL_BYTES) {
      throw new Fault('unavailable', `the server announced a literal of ${bytes} bytes, more than can be read`);
    }
    this.#parts.push(text.slice(0, length.index));
    this.#filled = 0;
    if (bytes > this.#mostBytes()) {
      this.#parts.push({ skipped: bytes });
      this.#toSkip = bytes;
    } else if (bytes === 0) this.#parts.push(Buffer.alloc(0));
    else this.#literal = Buffer.allocUnsafe(bytes);
  }

  #firstText(current: string): string {
    const first = this.#parts[0];
    return typeof first === 'string' ? first : current;
  }
}
