/** The words of the spec's `columns`, and the types of column that can hold what they stand for. */
import { canonicalDate } from '../formats/vcard/dates.js';

/** A column of the table, and what stands there. */
export interface Column {
  /** As in the spec, e.g. `phone:cell`. */
  readonly word: string;
  readonly column: string;
  /** As PostgreSQL writes it, e.g. `text` or `text[]`. */
  readonly type: string;
  readonly array: boolean;
  readonly form: Form;
  readonly says: Meaning;
}

/** How values are written in the column. */
type Form = 'text' | 'whole' | 'date' | 'uuid';

export type Meaning =
  | { readonly is: 'card' }
  /** A property, by its name in a vCard; where `type` is given, one that has it. */
  | { readonly is: 'property'; readonly name: string; readonly type?: string }
  /** One part of a property with parts. */
  | { readonly is: 'part'; readonly name: 'N' | 'ADR'; readonly at: number; readonly type?: string };

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
  address: 'ADR',
};

/** Places in N (RFC 6350, 6.2.2) and ADR (6.3.1). */
const PARTS: Readonly<Record<string, readonly ['N' | 'ADR', number]>> = {
  family: ['N', 0],
  given: ['N', 1],
  street: ['ADR', 2],
  city: ['ADR', 3],
  region: ['ADR', 4],
  postcode: ['ADR', 5],
  country: ['ADR', 6],
};

const FORMS: readonly (readonly [RegExp, Form])[] = [
  [/^(?:text|character varying(?:\(\d+\))?|character(?:\(\d+\))?|(?:\w+\.|"[^"]+"\.)?citext)$/, 'text'],
  [/^(?:bigint|integer|smallint)$/, 'whole'],
  [/^date$/, 'date'],
  [/^uuid$/, 'uuid'],
];

/** What a word means in a column of this type, or why it cannot stand there. */
export function columnOf(
  word: string,
  column: string,
  type: string,
): Column | { readonly problem: string; readonly next: string } {
  const [base = '', kind] = word.split(':');
  const name = PROPERTIES[base];
  const part = PARTS[base];
  const shorter = Object.keys(PROPERTIES).find((one) => PROPERTIES[one] === word);
  if (shorter) return { problem: `column ${column} is mapped to ${word}`, next: `say ${shorter} instead of ${word}` };
  const says: Meaning =
    word === 'vcard'
      ? { is: 'card' }
      : part
        ? { is: 'part', name: part[0], at: part[1], ...(kind && { type: kind }) }
        : { is: 'property', name: name ?? base, ...(kind && { type: kind }) };
  const array = type.endsWith('[]');
  const form = FORMS.find(([pattern]) => pattern.test(array ? type.slice(0, -2) : type))?.[1];
  if (!form || (form !== 'text' && (array || says.is === 'card'))) {
    return {
      problem: `column ${column} is of type ${type}`,
      next: 'map to a column of text, varchar or an array of these, or where it fits of integer, date or uuid',
    };
  }
  if (array && (says.is !== 'property' || SINGLE.has(says.name))) {
    return { problem: `column ${column} is an array, and a contact has one ${word}`, next: 'map to a plain column' };
  }
  return { word, column, type, array, form, says };
}

/**
 * Why the columns together cannot stand for a contact, with what to do. Where the whole card is kept, all of them may
 * stand beside it.
 */
export function contradiction(
  columns: readonly Column[],
): { readonly problem: string; readonly next: string } | undefined {
  if (columns.some(({ says }) => says.is === 'card')) return undefined;
  const address = columns.filter(({ says }) => says.is !== 'card' && says.name === 'ADR');
  const whole = address.find(({ says }) => says.is === 'property');
  const part = address.find(({ says }) => says.is === 'part');
  if (!whole || !part) return undefined;
  return { problem: `both ${whole.word} and ${part.word} are mapped`, next: 'map whole addresses, or their parts' };
}

const SINGLE = new Set(['UID', 'BDAY']);

const LIMITS: Readonly<Record<string, bigint>> = { smallint: 1n << 15n, integer: 1n << 31n, bigint: 1n << 63n };

/** Whether the text can be a value of this type at all, for the types whose values are not any text. */
export function isOfType(text: string, type: string): boolean {
  const limit = LIMITS[type];
  if (limit !== undefined)
    return (
      /^[-+]?\d{1,30}$/.test(text) && BigInt(text.replace('+', '')) < limit && BigInt(text.replace('+', '')) >= -limit
    );
  return type !== 'uuid' || /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** The text as it comes back from the column; undefined for what is not a value of its type. */
export function held({ form, type }: Column, text: string): string | undefined {
  switch (form) {
    case 'text':
      return text;
    case 'whole':
      return isOfType(text, type) ? BigInt(text.replace('+', '')).toString() : undefined;
    case 'date': {
      const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(canonicalDate(text)) ?? [];
      const date = `${year}-${month}-${day}`;
      const time = Date.parse(`${date}T00:00:00Z`);
      // 30 February is another day to Date, and none to PostgreSQL.
      return year !== '0000' && !Number.isNaN(time) && new Date(time).toISOString().startsWith(date) ? date : undefined;
    }
    case 'uuid':
      return isOfType(text, type) ? text.toLowerCase() : undefined;
    default:
      return form satisfies never;
  }
}
