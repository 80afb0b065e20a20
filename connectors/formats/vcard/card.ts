/**
 * A vCard as its properties: read tolerantly (2.1, 3.0, 4.0 and what phones write), written strictly. Well-formed cards
 * lose nothing on the way: order, groups, parameters and values stay.
 */
import { unicode } from '../icalendar/charset.js';
import type { ContentLine } from '../icalendar/lines.js';
import { foldedLine, parsedLine, splitAt, unescaped } from '../icalendar/lines.js';
import { cardLines } from './card-lines.js';

export interface Property {
  /** As written, e.g. `item1`. */
  readonly group?: string;
  /** In upper case. */
  readonly name: string;
  /**
   * Names in upper case, values without quotes. The bare parameters of 2.1 stand under TYPE, ENCODING or VALUE. Values
   * of repeated parameters are joined in their order.
   */
  readonly params: Readonly<Record<string, readonly string[]>>;
  /** As written, unfolded: still escaped and encoded. `textOf` decodes. A nested card (AGENT of 2.1) has LF line ends. */
  readonly value: string;
}

export interface Card {
  /** `2.1`, `3.0`, `4.0`, or what the card says; `3.0` where it says nothing. */
  readonly version: string;
  /** Without BEGIN, VERSION and END. */
  readonly properties: readonly Property[];
}

/** One line of a body: a property of the first card, or what is none. */
export type CardLine =
  | { readonly property: Property }
  /** A line within the card that is not a property, or one outside of it; byte text. */
  | { readonly stray: string; readonly inside: boolean };

export interface ReadCard extends Card {
  readonly lines: readonly CardLine[];
  /** Every line that is no part of the card: outside of BEGIN and END, or no property at all. */
  readonly strays: readonly string[];
  /** Parameters stand there without names (`TEL;WORK:`), as only 2.1 allows. */
  readonly bare: boolean;
}

const ENCODINGS = new Set(['QUOTED-PRINTABLE', 'BASE64', '7BIT', '8BIT', 'B', 'Q']);
const VALUES = new Set(['URL', 'CID', 'CONTENT-ID', 'INLINE']);

/** The properties of the first card in the body. Never throws; lines that are none are left out (see `readCard`). */
export function parseCard(body: Buffer): Card {
  const { version, properties } = readCard(body);
  return { version, properties };
}

/** The first card in the body, and whatever else stands there. A card that names no version and has bare parameters is 2.1. */
export function readCard(body: Buffer): ReadCard {
  const lines: CardLine[] = [];
  const properties: Property[] = [];
  const strays: string[] = [];
  let version: string | undefined;
  let bare = false;
  let state: 'before' | 'inside' | 'after' = 'before';
  for (const line of cardLines(body)) {
    const parsed = parsedLine(line);
    if (state === 'before' && parsed?.name === 'BEGIN' && /^\s*VCARD\s*$/i.test(parsed.value)) state = 'inside';
    else if (state !== 'inside' || !parsed) {
      lines.push({ stray: line, inside: state === 'inside' });
      strays.push(unicode(line));
    } else if (parsed.name === 'END') state = 'after';
    else if (parsed.name === 'VERSION') version ??= parsed.value.trim();
    else {
      bare ||= parsed.params.some((param) => param.values.length === 0);
      const property = propertyOf(parsed);
      properties.push(property);
      lines.push({ property });
    }
  }
  return { version: version ?? (bare ? '2.1' : '3.0'), properties, strays, lines, bare };
}

function propertyOf(parsed: ContentLine): Property {
  const params: Record<string, string[]> = {};
  const { group, name } = parsed;
  for (const param of parsed.params) {
    const bare = param.values.length === 0;
    const called = bare ? bareName(param.name) : param.name;
    const values = bare ? [param.name] : param.values.map((value) => unicode(value));
    const known = params[called];
    if (known) for (const value of values) known.push(value);
    else params[called] = values;
  }
  const value = unicode(parsed.value, params.CHARSET?.[0]);
  return group === undefined ? { name, params, value } : { group, name, params, value };
}

const bareName = (word: string): string => (ENCODINGS.has(word) ? 'ENCODING' : VALUES.has(word) ? 'VALUE' : 'TYPE');

/** The card with CRLF line ends, folded at 75 octets, in UTF-8. */
export function formatCard(card: Card): Buffer {
  const lines = [
    'BEGIN:VCARD',
    `VERSION:${card.version}`,
    ...card.properties.map((p) => formattedProperty(p, card.version)),
    'END:VCARD',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
}

/** Byte text, folded. */
function formattedProperty(property: Property, version: string): string {
  let head = property.group === undefined ? property.name : `${property.group}.${property.name}`;
  for (const [name, values] of Object.entries(property.params)) {
    if (version === '2.1' && name === 'TYPE') head += values.map((value) => `;${value}`).join('');
    else if (values.length === 0) head += `;${name}`;
    else head += `;${name}=${values.map(quoted).join(',')}`;
  }
  const line = `${head}:${property.value}`;
  const bytes = Buffer.from(line).toString('latin1');
  const encoding = property.params.ENCODING?.[0]?.toUpperCase();
  if (encoding === 'QUOTED-PRINTABLE' || encoding === 'Q') return softBroken(bytes);
  if (property.value.includes('\n')) return bytes.replaceAll('\n', '\r\n');
  return foldedLine(bytes);
}

/** Quoted-printable lines are broken with `=`, never within an encoded letter, and not folded. */
function softBroken(line: string): string {
  let out = '';
  let from = 0;
  while (line.length - from > 75) {
    let to = from + 74;
    if (line[to - 1] === '=') to -= 1;
    else if (line[to - 2] === '=') to -= 2;
    out += `${line.slice(from, to)}=\r\n`;
    from = to;
  }
  return out + line.slice(from);
}

function quoted(value: string): string {
  return /[:;,]/.test(value) ? `"${value.replaceAll('"', "'")}"` : value.replaceAll('"', "'");
}

/** The text of a property: decoded (quoted-printable, base64 and character set of 2.1) and without escapes. */
export function textOf(property: Property): string {
  return unescaped(decodedValue(property));
}

/** The parts of N, ADR, ORG, GENDER: each a list of its values, decoded and without escapes. */
export function componentsOf(property: Property): string[][] {
  return splitAt(decodedValue(property), ';').map((part) => splitAt(part, ',').map(unescaped));
}

/** The values of a list such as CATEGORIES or NICKNAME, decoded and without escapes. */
export function valuesOf(property: Property): string[] {
  return splitAt(decodedValue(property), ',').map(unescaped);
}

/** Whether the value is base64 of something that is not text. */
export function isBinary(property: Property): boolean {
  const encoding = property.params.ENCODING?.[0]?.toUpperCase();
  return encoding === 'B' || encoding === 'BASE64';
}

/** The value without quoted-printable; escapes stay. */
export function decodedValue(property: Property): string {
  const encoding = property.params.ENCODING?.[0]?.toUpperCase();
  if (encoding !== 'QUOTED-PRINTABLE' && encoding !== 'Q') return property.value;
  const bytes = Buffer.from(property.value)
    .toString('latin1')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return unicode(bytes.replace(/\r\n?/g, '\n'), property.params.CHARSET?.[0]);
}
