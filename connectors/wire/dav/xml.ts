/** XML as WebDAV speaks it: names with their namespaces, answers read while they arrive. */
import { SaxesParser } from 'saxes';
import { Fault } from '../../errors.js';

export const NAMESPACES = {
  D: 'DAV:',
  C: 'urn:ietf:params:xml:ns:caldav',
  CR: 'urn:ietf:params:xml:ns:carddav',
  CS: 'http://calendarserver.org/ns/',
  A: 'http://apple.com/ns/ical/',
  I: 'http://inf-it.com/ns/ab/',
  R: 'http://radicale.org/ns/',
} as const;

/** A name with a prefix of `NAMESPACES`, e.g. `D:getetag`; others keep their namespace: `{urn:x}name`. */
export type Name = string;

export interface Element {
  readonly name: Name;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** The text directly inside, CDATA included. */
  readonly text: string;
}

interface Growing {
  name: Name;
  attributes: Record<string, string>;
  children: Growing[];
  text: string;
}

const PREFIXES = new Map<string, string>(Object.entries(NAMESPACES).map(([prefix, uri]) => [uri, prefix]));

function nameOf(uri: string, local: string): Name {
  const prefix = PREFIXES.get(uri);
  return prefix === undefined ? `{${uri}}${local}` : `${prefix}:${local}`;
}

/** Of one child of the root. A listing has as many as it likes; an item with its photo or attachments is one. */
const MAX_CHILD_LENGTH = 128 * 1024 * 1024;
const MAX_DEPTH = 100;

/**
 * The children of the root element, each as soon as it is complete: a listing of a large collection is never held as
 * a whole. `root` is asked with the root's name. Throws `Fault('unavailable')` for what is not XML; with `lenient` a
 * character that XML has no form for is left out instead: one such name must not hide all collections.
 */
export async function* childrenOf(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  root: (name: Name) => void,
  lenient = false,
): AsyncGenerator<Element> {
  const parser = new SaxesParser({ xmlns: true });
  const path: Growing[] = [];
  const done: Element[] = [];
  let failure: Error | undefined;
  parser.on('error', (error) => {
    if (!lenient || !OF_A_CHARACTER.test(error.message)) failure ??= error;
  });
  parser.on('opentag', ({ uri, local, attributes }) => {
    const plain = Object.fromEntries(Object.values(attributes).map((one) => [one.local, one.value]));
    const element: Growing = { name: nameOf(uri, local), attributes: plain, children: [], text: '' };
    if (path.length === 0) root(element.name);
    if (path.length > 1) path.at(-1)?.children.push(element);
    path.push(element);
    // At once: the parser looks for a namespace in all elements around.
    if (path.length > MAX_DEPTH) throw unbounded(where, 'is nested deeper than 100 elements');
  });
  const text = (words: string): void => {
    const inner = path.at(-1);
    if (inner && path.length > 1) inner.text += lenient ? words.replace(FORMLESS, '') : words;
  };
  parser.on('text', text);
  parser.on('cdata', text);
  parser.on('closetag', () => {
    const element = path.pop();
    if (element && path.length === 1) done.push(element);
  });
  const decoder = new TextDecoder();
  let length = 0;
  const fed = (words: string): void => {
    length += words.length;
    if (length > MAX_CHILD_LENGTH) throw unbounded(where, 'is longer than 128 MiB');
    if (failure === undefined) parser.write(words);
    if (failure !== undefined) throw malformed(where, failure);
  };
  for await (const chunk of chunks) {
    fed(decoder.decode(chunk, { stream: true }));
    if (done.length > 0) length = 0;
    yield* done.splice(0);
  }
  fed(decoder.decode());
  parser.close();
  if (failure !== undefined) throw malformed(where, failure);
  yield* done.splice(0);
}

function malformed(where: string, cause: Error): Fault {
  // The parser's words name a place in the answer, never what stands there.
  const at = /^(\d+:\d+)/.exec(cause.message)?.[1];
  return new Fault('unavailable', `${where}: the answer is not well-formed XML${at ? ` (at ${at})` : ''}`, {
    next: 'try again; if it stays so, look into the log of the server or of the proxy before it',
  });
}

function unbounded(where: string, how: string): Fault {
  return new Fault('refused', `${where}: one element of the answer ${how}`, {
    next: 'look into the log of the server or of the proxy before it',
  });
}

export function child(element: Element | undefined, name: Name): Element | undefined {
  return element?.children.find((one) => one.name === name);
}

/** Text of a child, without blanks around it; undefined when there is none, or it is empty. */
export function textIn(element: Element | undefined, name: Name): string | undefined {
  return child(element, name)?.text.trim() || undefined;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

export function escapeXml(text: string): string {
  return text.replace(FORMLESS, '').replace(/[&<>"\r]/g, (one) => ESCAPES[one] ?? one);
}

/** Control characters have no form in XML 1.0, but for tab and line ends; nor have U+FFFE, U+FFFF and halves of letters. */
const FORMLESS = /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]|\p{Cs}/gu;
/** What saxes says of them. */
const OF_A_CHARACTER = /: (?:disallowed character|malformed character entity)\.$/;

/** A request's body: `inner` stands in the root element `name`, with all namespaces declared. */
export function document(name: Name, inner: string): string {
  const declared = Object.entries(NAMESPACES).map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`);
  return `<?xml version="1.0" encoding="utf-8"?>\n<${name}${declared.join('')}>${inner}</${name}>`;
}

export function tag(name: Name, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** `<D:prop>` that asks for properties. */
export function propsAsked(names: readonly Name[]): string {
  return `<D:prop>${names.map((name) => `<${name}/>`).join('')}</D:prop>`;
}
