/** Between folder names on the wire and paths: modified UTF-7 (RFC 3501, section 5.1.3), delimiters, prefixes. */
import { createHash } from 'node:crypto';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../formats/modified-utf7.js';
import type { Namespace } from './session.js';

/** Decodes a name of latin1 characters, one a byte. What is not modified UTF-7 stays as it is. */
export function decodeName(raw: string): string {
  // A server with UTF8=ACCEPT, or a careless one, sends UTF-8.
  if (/[\x80-\xff]/.test(raw)) return Buffer.from(raw, 'latin1').toString('utf8');
  return decodeModifiedUtf7(raw) ?? raw;
}

export function encodeName(text: string): string {
  return encodeModifiedUtf7(text);
}

/** The path of a folder, without the prefix of personal folders. The inbox is `INBOX` in any spelling. */
export function pathOf(raw: string, namespace: Namespace): string[] {
  if (raw.toUpperCase() === 'INBOX') return ['INBOX'];
  const { prefix, delimiter } = namespace;
  const below = prefix !== '' && raw.toUpperCase().startsWith(prefix.toUpperCase()) ? raw.slice(prefix.length) : raw;
  const parts = delimiter === undefined ? [below] : below.split(delimiter);
  // UW and Courier end the names of some parents in a delimiter.
  if (parts.length > 1 && parts[parts.length - 1] === '') parts.pop();
  const path = parts.map(decodeName);
  if (path.length > 1 && path[0]?.toUpperCase() === 'INBOX') path[0] = 'INBOX';
  return path;
}

/** Whether the folder belongs to someone else, or is shared. */
export function isForeign(raw: string, { foreign, delimiter = '' }: Namespace): boolean {
  return foreign.some(
    (prefix) => raw.startsWith(prefix) || (prefix.endsWith(delimiter) && raw === prefix.slice(0, -1)),
  );
}

export interface TargetName {
  readonly raw: string;
  /** What had to be changed, for a person to read. */
  readonly notes: readonly string[];
}

/**
 * The name for a path. What no server can take is replaced by `_`: the delimiter, control characters, nothing
 * at all. `cautious` is for a server that refused the first name: also `/ \ . * % ^ ~ # " < > | : ?`; blanks at
 * the edges go and double ones become one; a name of more than 200 bytes is cut and marked with a digest.
 */
export function targetName(path: readonly string[], namespace: Namespace, cautious = false): TargetName {
  if (path.length === 1 && path[0]?.toUpperCase() === 'INBOX') return { raw: 'INBOX', notes: [] };
  const { prefix, delimiter } = namespace;
  const notes: string[] = [];
  const names = path.map((name) => {
    const allowed = allowedName(name, delimiter, cautious);
    if (allowed !== name) notes.push(`the folder name ${JSON.stringify(name)} became ${JSON.stringify(allowed)}`);
    return encodeName(allowed);
  });
  if (names.length > 1 && names[0]?.toUpperCase() === 'INBOX') {
    if (prefix.toUpperCase().startsWith('INBOX')) {
      notes.push('a folder below the inbox: this server keeps every folder there');
      names.shift();
    } else {
      return { raw: ['INBOX', ...names.slice(1)].join(delimiter ?? '.'), notes };
    }
  }
  if (delimiter === undefined && names.length > 1)
    notes.push('this server has no folders within folders: the path became one name');
  return { raw: prefix + names.join(delimiter ?? '.'), notes };
}

const MAX_NAME_BYTES = 200;

function allowedName(name: string, delimiter: string | undefined, cautious: boolean): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no server takes them in a name
  let allowed = name.replace(/[\x00-\x1f\x7f]/g, '_');
  if (delimiter !== undefined) allowed = allowed.replaceAll(delimiter, '_');
  if (cautious) {
    allowed = allowed
      .replace(/[/\\.*%^~#"<>|:?]/g, '_')
      .trim()
      .replace(/ {2,}/g, ' ');
    if (encodeName(allowed).length > MAX_NAME_BYTES) {
      const mark = createHash('sha256').update(name).digest('hex').slice(0, 8);
      // A letter takes one byte or more: what is behind cannot stay in any case.
      allowed = [...allowed].slice(0, MAX_NAME_BYTES).join('');
      while (encodeName(allowed).length > MAX_NAME_BYTES - 9) allowed = [...allowed].slice(0, -1).join('');
      allowed = `${allowed}_${mark}`;
    }
  }
  return allowed === '' ? '_' : allowed;
}
