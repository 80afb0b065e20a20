/** What of a contact stands in which column, in both directions. */
import type { Card, Property } from '../formats/vcard/card.js';
import { componentsOf, formatCard, textOf, valuesOf } from '../formats/vcard/card.js';
import { plainCard } from '../formats/vcard/plain.js';
import type { Column, Meaning } from './column-types.js';
import { held } from './column-types.js';

/** By column: text, texts of an array, or null where the contact says nothing. */
export type Row = Readonly<Record<string, string | readonly (string | null)[] | null>>;

/** Kept as they are written, because their commas and semicolons divide. */
const DIVIDED = new Set(['N', 'GENDER', 'CLIENTPIDMAP', 'CATEGORIES', 'NICKNAME']);
const LISTS = new Set(['CATEGORIES', 'NICKNAME']);

export function toRow(body: Buffer, columns: readonly Column[]): Row {
  const card = plainCard(body);
  return Object.fromEntries(columns.map((column) => [column.column, valueFor(column, card, body)]));
}

function valueFor(column: Column, card: Card, body: Buffer): string | string[] | null {
  const { says, array } = column;
  if (says.is === 'card') return body.toString();
  const found = matching(card, says);
  const texts = says.is === 'part' ? partsOf(found, says.at) : found.flatMap((one) => textsOf(one, array));
  const kept = texts.flatMap((text) => held(column, storable(text)) ?? []).filter((text) => text !== '');
  return array ? [...new Set(kept)] : (kept[0] ?? null);
}

/** Of the first property that is meant, so that street and city are those of one address. */
function partsOf(found: readonly Property[], at: number): string[] {
  const [first] = found.filter((property) =>
    componentsOf(property)
      .flat()
      .some((part) => part.trim() !== ''),
  );
  return first ? [(componentsOf(first)[at] ?? []).join(' ')] : [];
}

function textsOf(property: Property, array: boolean): string[] {
  if (property.name === 'ORG') return [(componentsOf(property)[0] ?? []).join(' ')];
  if (property.name === 'ADR')
    return [
      componentsOf(property)
        .flat()
        .filter((part) => part.trim() !== '')
        .join(', '),
    ];
  if (array && LISTS.has(property.name)) return valuesOf(property);
  return [DIVIDED.has(property.name) ? property.value : textOf(property)];
}

/** PostgreSQL stores no NUL; quoted-printable can hide one. */
function storable(text: string): string {
  return text.replaceAll('\0', '').trim();
}

/** Properties that are meant, those that are preferred first. */
function matching({ properties }: Card, says: Exclude<Meaning, { is: 'card' }>): Property[] {
  const found = properties.filter(
    (property) => property.name === says.name && (says.type === undefined || typesOf(property).has(says.type)),
  );
  return [...found].sort((a, b) => rank(a) - rank(b));
}

function typesOf({ params }: Property): Set<string> {
  return new Set((params.TYPE ?? []).flatMap((type) => type.toLowerCase().split(',')));
}

function rank(property: Property): number {
  return typesOf(property).has('pref') ? 0 : Number(property.params.PREF?.[0] ?? 101) || 101;
}

/** The card that a row stands for: the whole one where the table keeps it, else what the columns hold, as vCard 4.0. */
export function fromRow(row: Row, columns: readonly Column[]): Buffer {
  const whole = columns.find(({ says }) => says.is === 'card');
  const kept = whole && row[whole.column];
  if (typeof kept === 'string' && kept !== '') return Buffer.from(kept);
  const made = new Made();
  // What has no type goes first: it is the preferred one, and is found again as that.
  for (const typed of [false, true]) {
    for (const column of columns) {
      const { says, array } = column;
      if (says.is === 'card' || (says.type !== undefined) !== typed) continue;
      if (says.is === 'part') {
        if (isFirstOfItsKind(column, columns)) made.add(says.name, joined(row, columns, says), says.type);
      } else {
        const texts = [row[column.column] ?? []].flat().filter((text) => text !== null && text !== '');
        for (const value of written(says.name, texts as string[], array)) made.add(says.name, value, says.type);
      }
    }
  }
  return formatCard({ version: '4.0', properties: made.withName() });
}

type Part = Extract<Meaning, { is: 'part' }>;

function isPartOf(other: Meaning, { name, type }: { readonly name: string; readonly type?: string }): other is Part {
  return other.is === 'part' && other.name === name && other.type === type;
}

/** All parts of one address are one property: the first of them stands for it. */
function isFirstOfItsKind(column: Column, columns: readonly Column[]): boolean {
  const { says } = column;
  return says.is === 'part' && columns.find((other) => isPartOf(other.says, says)) === column;
}

function joined(row: Row, columns: readonly Column[], says: Part): string {
  const parts: string[] = Array(says.name === 'N' ? 5 : 7).fill('');
  for (const { column, says: other } of columns) {
    if (!isPartOf(other, says)) continue;
    const text = row[column];
    parts[other.at] = typeof text === 'string' ? escaped(text) : '';
  }
  return parts.some((part) => part !== '') ? parts.join(';') : '';
}

function written(name: string, texts: readonly string[], array: boolean): string[] {
  if (texts.length > 0 && array && LISTS.has(name)) return [texts.map(escaped).join(',')];
  // One text stands where an address shows the most.
  if (name === 'ADR') return texts.map((text) => `;;${escaped(text)};;;;`);
  return texts.map((text) => (DIVIDED.has(name) ? text.replace(/\r\n|\r|\n/g, '\\n') : escaped(text)));
}

function escaped(text: string): string {
  return text
    .replace(/\\/g, '\\\\')
    .replace(/\r\n|\r|\n/g, '\\n')
    .replace(/[,;]/g, '\\$&');
}

/** Properties in the making: one value with two types is one property. */
class Made {
  readonly #properties = new Map<string, { readonly name: string; readonly value: string; readonly types: string[] }>();

  add(name: string, value: string, type: string | undefined): void {
    if (value === '') return;
    const id = `${name}:${value}`;
    const there = this.#properties.get(id) ?? { name, value, types: [] };
    if (type !== undefined && !there.types.includes(type)) there.types.push(type);
    this.#properties.set(id, there);
  }

  /** Every card has a name (RFC 6350, 6.2.1): where no column holds one, it is made of what there is. */
  withName(): Property[] {
    const made = [...this.#properties.values()].map(
      ({ name, value, types }): Property => ({ name, value, params: types.length > 0 ? { TYPE: types } : {} }),
    );
    if (made.some(({ name }) => name === 'FN')) return made;
    const [family = [], given = []] = made.filter(({ name }) => name === 'N').flatMap(componentsOf);
    const other = ['ORG', 'EMAIL', 'TEL', 'UID'].flatMap((name) => made.filter((one) => one.name === name))[0];
    const shown = [...given, ...family].filter(Boolean).join(' ') || (other ? textOf(other) : '');
    return [...made, { name: 'FN', params: {}, value: escaped(shown.trim()) }];
  }
}
