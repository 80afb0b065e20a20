/** What of a contact stands in which column, in both directions. */
import type { Card, Property } from '../vcard/card.js';
import { componentsOf, formatCard, parseCard, textOf } from '../vcard/card.js';

/** A column of the table; `word` says what stands there, in the words of the spec's `columns`. */
export interface Column {
  readonly word: string;
  readonly column: string;
  /** As PostgreSQL writes it, e.g. `text` or `text[]`. */
  readonly type: string;
}

export type Row = Readonly<Record<string, string | readonly string[] | null>>;

/** Words that are one property; `email` and `phone` may have a type behind a colon. */
const PROPERTIES: Readonly<Record<string, string>> = {
  uid: 'UID',
  name: 'FN',
  organization: 'ORG',
  title: 'TITLE',
  note: 'NOTE',
  birthday: 'BDAY',
  url: 'URL',
  email: 'EMAIL',
  phone: 'TEL',
};

const N_PARTS = ['family', 'given'] as const;

export function toRow(body: Buffer, columns: readonly Column[]): Row {
  const card = parseCard(body);
  return Object.fromEntries(columns.map(({ word, column, type }) => [column, value(word, type, card, body)]));
}

function value(word: string, type: string, card: Card, body: Buffer): string | string[] | null {
  if (word === 'vcard') return body.toString();
  const part = N_PARTS.indexOf(word as 'family');
  if (part !== -1) {
    const name = card.properties.find((property) => property.name === 'N');
    return (name && componentsOf(name)[part]?.join(' ')) || null;
  }
  const texts = matching(card, word).map((property) =>
    property.name === 'ORG' ? (componentsOf(property)[0]?.join(' ') ?? '') : textOf(property).trim(),
  );
  const filled = texts.filter((text) => text !== '');
  return type.endsWith('[]') ? filled : (filled[0] ?? null);
}

/** Properties that a word speaks of, those that are preferred first. */
function matching(card: Card, word: string): Property[] {
  const [base = '', type] = word.split(':');
  const name = PROPERTIES[base] ?? base;
  const found = card.properties.filter((property) => property.name === name && (!type || typesOf(property).has(type)));
  return [...found].sort((a, b) => rank(a) - rank(b));
}

function typesOf({ params }: Property): Set<string> {
  return new Set((params.TYPE ?? []).flatMap((type) => type.toLowerCase().split(',')));
}

function rank(property: Property): number {
  return typesOf(property).has('pref') ? 0 : Number(property.params.PREF?.[0] ?? 101);
}

/** The card that a row stands for: the whole one where the table keeps it, else what the columns hold, as vCard 4.0. */
export function fromRow(row: Row, columns: readonly Column[]): Buffer {
  const whole = columns.find((one) => one.word === 'vcard');
  const kept = whole && row[whole.column];
  if (typeof kept === 'string' && kept !== '') return Buffer.from(kept);
  const properties: Property[] = [];
  const text = (name: string, words: string, params: Property['params'] = {}): void => {
    properties.push({ name, params, value: escaped(words) });
  };
  const of = (word: string): string => {
    const column = columns.find((one) => one.word === word);
    const held = column && row[column.column];
    return typeof held === 'string' ? held : '';
  };
  if (columns.some((one) => one.word === 'family' || one.word === 'given')) {
    properties.push({ name: 'N', params: {}, value: `${escaped(of('family'))};${escaped(of('given'))};;;` });
  }
  for (const { word, column } of columns) {
    if (word === 'vcard' || N_PARTS.includes(word as 'family')) continue;
    const [base = '', type] = word.split(':');
    const held = row[column];
    for (const one of [held ?? []].flat()) text(PROPERTIES[base] ?? base, one, type ? { TYPE: [type] } : {});
  }
  // Every card has a name (RFC 6350, 6.2.1).
  if (!properties.some((property) => property.name === 'FN')) {
    text('FN', [of('given'), of('family')].filter(Boolean).join(' ') || firstText(properties, 'EMAIL') || of('uid'));
  }
  return formatCard({ version: '4.0', properties });
}

function firstText(properties: readonly Property[], name: string): string {
  const found = properties.find((property) => property.name === name);
  return found ? textOf(found) : '';
}

function escaped(text: string): string {
  return text
    .replace(/\\/g, '\\\\')
    .replace(/\r\n|\r|\n/g, '\\n')
    .replace(/[,;]/g, '\\$&');
}

/** Properties that have no place in the columns, by name. */
export function losses(body: Buffer, fitted: Buffer): string[] {
  const before = counted(parseCard(body));
  const after = counted(parseCard(fitted));
  return [...before].flatMap(([name, count]) => {
    const kept = after.get(name) ?? 0;
    if (kept >= count) return [];
    return [kept === 0 ? `${name} has no column` : `${name}: ${kept} of ${count} kept`];
  });
}

/** Said of a card by programs, not by people. */
const BOOKKEEPING = new Set(['PRODID', 'REV', 'VERSION']);

function counted({ properties }: Card): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, value: held } of properties) {
    if (BOOKKEEPING.has(name) || /^[;,\s]*$/.test(held)) continue;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
