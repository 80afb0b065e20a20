/** The meaning of one IMAP reply: status, continuation or data, with its values as a tree. */
import { Fault } from '../errors.js';
import type { ReplyParts, Skipped } from './reply-reader.js';

/** Atoms and quoted strings are strings of latin1, one character a byte; NIL is null; literals are buffers. */
export type Value = string | null | Buffer | Skipped | readonly Value[];

export type Status = 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH';

export interface ResponseCode {
  /** Upper case, e.g. `APPENDUID`. */
  readonly name: string;
  /** What follows the name, unparsed. */
  readonly args: string;
}

export interface StatusReply {
  readonly kind: 'status';
  /** Absent for an untagged reply. */
  readonly tag?: string;
  readonly status: Status;
  readonly code?: ResponseCode;
  readonly text: string;
}

export interface DataReply {
  readonly kind: 'data';
  /** Upper case, e.g. `FETCH`. */
  readonly name: string;
  /** The number before the name, as in `* 12 EXISTS`. */
  readonly number?: number;
  readonly values: readonly Value[];
  /** Why the values of a FETCH or a SEARCH could not be read; they are left out then. */
  readonly unreadable?: string;
}

export type Reply = { readonly kind: 'continue'; readonly text: string } | StatusReply | DataReply;

const STATUS = /^(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: (.*))?$/is;

const OF_MESSAGES = /^\* (?:\d+ (FETCH)|(E?SEARCH)) /i;

/**
 * As `parseReply`, but what cannot be read of messages costs those alone: lines and literals ended where they said, so
 * the connection still knows where the next reply begins.
 */
export function readReply(parts: ReplyParts): Reply {
  try {
    return parseReply(parts);
  } catch (error) {
    const [, fetch, search] = OF_MESSAGES.exec(parts[0] as string) ?? [];
    const name = (fetch ?? search)?.toUpperCase();
    if (name === undefined || !(error instanceof Fault)) throw error;
    return { kind: 'data', name, values: [], unreadable: error.message };
  }
}

/** Throws `Fault('unavailable')` when the reply is not IMAP. */
export function parseReply(parts: ReplyParts): Reply {
  const first = parts[0] as string;
  if (first.startsWith('+')) return { kind: 'continue', text: first.slice(1).trimStart() };
  const status = STATUS.exec(first);
  if (status !== null && parts.length === 1) return statusReply(status);
  if (!first.startsWith('* ')) throw malformed('it begins with neither a tag that was sent nor a star');
  const reader = new ValueReader(parts, 2);
  const head = reader.word();
  const number = /^\d+$/.test(head) ? Number(head) : undefined;
  if (number !== undefined) reader.space();
  const name = (number === undefined ? head : reader.word()).toUpperCase();
  if (name === '') throw malformed('a name is missing');
  return { kind: 'data', name, ...(number === undefined ? {} : { number }), values: reader.rest() };
}

function statusReply([, tag, status, rest = '']: RegExpExecArray): StatusReply {
  const code = responseCode(rest);
  return {
    kind: 'status',
    ...(tag === '*' ? {} : { tag: tag as string }),
    status: (status as string).toUpperCase() as Status,
    ...(code ? { code: { name: code.name, args: code.args } } : {}),
    text: code ? code.text : rest,
  };
}

function responseCode(text: string): (ResponseCode & { text: string }) | undefined {
  if (!text.startsWith('[')) return undefined;
  // A keyword in PERMANENTFLAGS may hold a bracket: the code ends after its list.
  const list = /^\[[^\s\]]+ \(/.test(text) ? text.indexOf(')]') : -1;
  const end = list === -1 ? text.indexOf(']') : list + 1;
  if (end === -1) return undefined;
  const [name = '', ...args] = text.slice(1, end).split(' ');
  return { name: name.toUpperCase(), args: args.join(' '), text: text.slice(end + 1).trimStart() };
}

function malformed(why: string): Fault {
  return new Fault('unavailable', `the server's reply could not be read: ${why}`, {
    next: 'see whether a proxy or scanner between here and the server alters IMAP',
  });
}

const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const OPEN_SECTION = 0x5b;
const BACKSLASH = 0x5c;

class ValueReader {
  readonly #parts: ReplyParts;
  #part = 0;
  #text: string;
  #at: number;

  constructor(parts: ReplyParts, at: number) {
    this.#parts = parts;
    this.#text = parts[0] as string;
    this.#at = at;
  }

  /** Characters up to the next space. */
  word(): string {
    const end = this.#text.indexOf(' ', this.#at);
    const word = this.#text.slice(this.#at, end === -1 ? undefined : end);
    this.#at += word.length;
    return word;
  }

  space(): void {
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++;
  }

  rest(): Value[] {
    const values = this.#list(0);
    if (this.#at < this.#text.length) throw malformed('a parenthesis is closed that was not opened');
    return values;
  }

  #list(depth: number): Value[] {
    if (depth > 100) throw malformed('it is nested deeper than 100 levels');
    const values: Value[] = [];
    for (;;) {
      this.space();
      if (this.#at >= this.#text.length) {
        const literal = this.#parts[this.#part + 1];
        if (literal === undefined) {
          if (depth > 0) throw malformed('a parenthesis is not closed');
          return values;
        }
        values.push(literal as Buffer | Skipped);
        this.#part += 2;
        this.#text = (this.#parts[this.#part] ?? '') as string;
        this.#at = 0;
        continue;
      }
      const char = this.#text.charCodeAt(this.#at);
      if (char === CLOSE) {
        if (depth > 0) this.#at++;
        return values;
      }
      if (char === OPEN) {
        this.#at++;
        values.push(this.#list(depth + 1));
      } else if (char === QUOTE) {
        values.push(this.#quoted());
      } else {
        values.push(this.#atom(depth));
      }
    }
  }

  #quoted(): string {
    const text = this.#text;
    const from = this.#at + 1;
    let end = from;
    let escaped = false;
    for (; text.charCodeAt(end) !== QUOTE; end++) {
      if (end >= text.length) throw malformed('a quoted string is not closed');
      if (text.charCodeAt(end) === BACKSLASH) {
        escaped = true;
        end++;
      }
    }
    this.#at = end + 1;
    const inner = text.slice(from, end);
    return escaped ? inner.replace(/\\(.)/gs, '$1') : inner;
  }

  /**
   * An atom, read generously: servers send keywords with brackets and parentheses in them. Only in the
   * first level can an atom be a section such as `BODY[HEADER.FIELDS (DATE)]`, with spaces in brackets.
   */
  #atom(depth: number): string | null {
    const text = this.#text;
    const from = this.#at;
    let open = 0;
    for (; this.#at < text.length; this.#at++) {
      const char = text.charCodeAt(this.#at);
      if (char === OPEN_SECTION && depth <= 1 && /^(BODY|BINARY|BINARY\.SIZE)$/i.test(text.slice(from, this.#at))) {
        const end = text.indexOf(']', this.#at);
        if (end === -1) throw malformed('a section is not closed');
        this.#at = end;
      } else if (char === SPACE) {
        break;
      } else if (char === OPEN) {
        open++;
      } else if (char === CLOSE && open-- === 0) {
        break;
      }
    }
    const atom = text.slice(from, this.#at);
    return atom.length === 3 && atom.toUpperCase() === 'NIL' ? null : atom;
  }
}

export function isSkipped(value: Value | undefined): value is Skipped {
  return typeof value === 'object' && value !== null && 'skipped' in value;
}

/** The text of a string value; NIL is `NIL`, for where a server sends that name as an atom. */
export function asText(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'NIL';
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (isSkipped(value)) throw malformed(`a literal of ${value.skipped} bytes stands where a few belong`);
  throw malformed('a list stands where text belongs');
}

/** The elements of a list value; none for NIL. */
export function asList(value: Value | undefined): readonly Value[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw malformed('text stands where a list belongs');
}

/** The pairs of a FETCH or STATUS list, by upper-case name. */
export function asPairs(value: Value | undefined): Map<string, Value> {
  const list = asList(value);
  const pairs = new Map<string, Value>();
  for (let at = 0; at + 1 < list.length; at += 2) pairs.set(asText(list[at]).toUpperCase(), list[at + 1] as Value);
  return pairs;
}
