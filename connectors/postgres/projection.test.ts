import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oddCards } from '../../tests/conformance/odd-cards.js';
import { parseCard } from '../formats/vcard/card.js';
import { digestContact } from '../kinds/contacts.js';
import type { Column } from './column-types.js';
import { columnOf, contradiction } from './column-types.js';
import { fitted } from './fit.js';
import { fromRow, toRow } from './mapping.js';

function columnsOf(mapped: Readonly<Record<string, string>>, types: Readonly<Record<string, string>> = {}): Column[] {
  return Object.entries(mapped).map(([word, name]) => {
    const column = columnOf(word, name, types[name] ?? 'text');
    if ('problem' in column) throw new Error(column.problem);
    return column;
  });
}

const card = (...lines: string[]): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD', ''].join('\r\n'));

const linesOf = (body: Buffer): string[] => body.toString().trimEnd().split('\r\n').slice(2, -1);

describe('what a card becomes', () => {
  const cases: [string, Record<string, string>, string[], string[], string[]][] = [
    [
      'the preferred address, and the one for work',
      { email: 'mail', 'email:work': 'office', name: 'shown' },
      ['FN:Anna', 'EMAIL;TYPE=WORK:w@x.example', 'EMAIL;TYPE=HOME,PREF:h@x.example', 'EMAIL:z@x.example'],
      ['EMAIL:h@x.example', 'FN:Anna', 'EMAIL;TYPE=work:w@x.example'],
      ['EMAIL: 2 of 3 kept'],
    ],
    [
      'one value under two words',
      { phone: 'any', 'phone:cell': 'mobile', 'phone:home': 'home', name: 'shown' },
      ['FN:Anna', 'TEL;TYPE=CELL,HOME:1'],
      ['TEL;TYPE=cell,home:1', 'FN:Anna'],
      [],
    ],
    [
      'street and city of one address',
      { name: 'shown', street: 'street', city: 'town', postcode: 'zip', 'city:home': 'lives' },
      ['FN:A', 'ADR;TYPE=HOME:;;Low 2;Bern;;3000;', 'ADR;TYPE=WORK,PREF:Box 1;;Main 1\\, rear;Köln;NRW;50667;Germany'],
      ['FN:A', 'ADR:;;Main 1\\, rear;Köln;;50667;', 'ADR;TYPE=home:;;;Bern;;;'],
      ['ADR was kept in part'],
    ],
    [
      'a name that is made of its parts',
      { given: 'first', family: 'last' },
      ['FN:Dr. Anna Weber', 'N:Weber;Anna;Maria;Dr.;'],
      ['N:Weber;Anna;;;', 'FN:Anna Weber'],
      ['FN was kept in part', 'N was kept in part'],
    ],
    [
      'a company without its units, and types that have no column',
      { name: 'shown', organization: 'company', phone: 'tel' },
      ['FN:A', 'ORG:Works\\; Ltd;Sales', 'TEL;TYPE=CELL:1'],
      ['FN:A', 'ORG:Works\\; Ltd', 'TEL:1'],
      ['ORG was kept in part', 'TEL: types are not kept'],
    ],
    [
      'what has no column',
      { name: 'shown', 'X-CUSTOMER-NUMBER': 'no' },
      ['FN:A', 'UID:u', 'X-CUSTOMER-NUMBER:4711', 'NOTE:secret', 'item1.URL:https://a', 'item1.X-ABLabel:Home'],
      ['FN:A', 'X-CUSTOMER-NUMBER:4711'],
      ['UID has no column', 'NOTE has no column', 'URL has no column', 'X-ABLABEL has no column'],
    ],
  ];
  for (const [name, mapped, given, kept, notes] of cases) {
    it(name, () => {
      const held = fitted(card(...given), columnsOf(mapped));
      expect(linesOf(held.body)).toEqual(kept);
      expect(held.notes ?? []).toEqual(notes);
    });
  }

  it('keeps numbers, dates and ids in the form of their columns, or says that they do not fit', () => {
    const columns = columnsOf(
      { uid: 'id', name: 'shown', birthday: 'born', 'X-CUSTOMER-NUMBER': 'no' },
      { id: 'uuid', born: 'date', no: 'integer' },
    );
    const uid = '6F1C2A34-0000-4000-8000-00000000000A';
    const fine = fitted(card('FN:A', `UID:${uid}`, 'BDAY:1970-04-01', 'X-CUSTOMER-NUMBER:0042'), columns);
    expect(toRow(fine.body, columns)).toEqual({ id: uid.toLowerCase(), shown: 'A', born: '1970-04-01', no: '42' });
    const odd = fitted(card('FN:A', 'UID:not-one', 'BDAY:1970-02-30', 'X-CUSTOMER-NUMBER:3000000000'), columns);
    expect(toRow(odd.body, columns)).toEqual({ id: null, shown: 'A', born: null, no: null });
    expect(odd.notes).toEqual([
      'UID does not fit into its column',
      'BDAY does not fit into its column',
      'X-CUSTOMER-NUMBER does not fit into its column',
    ]);
  });
});

const WORDS = [
  'uid',
  'name',
  'family',
  'given',
  'organization',
  'title',
  'note',
  'birthday',
  'url',
  ...['email', 'phone', 'address', 'street', 'city', 'country'].flatMap((word) => [
    word,
    `${word}:work`,
    `${word}:home`,
  ]),
  'phone:cell',
  'CATEGORIES',
  'NICKNAME',
  'PHOTO',
  'GEO',
  'X-CUSTOMER-NUMBER',
];
/** Words that may stand in an array column. */
const MANY = /^(?:organization|title|note|url|(?:email|phone|address)(?::.*)?|[A-Z].*)$/;

const mapping = fc
  .uniqueArray(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 14 })
  .chain((words) =>
    fc.tuple(fc.constant(words), fc.array(fc.boolean(), { minLength: words.length, maxLength: words.length })),
  )
  .map(([words, many]) => {
    const names = Object.fromEntries(words.map((word, at) => [word, `c${at}`]));
    return columnsOf(
      names,
      Object.fromEntries(words.map((word, at) => [`c${at}`, many[at] && MANY.test(word) ? 'text[]' : 'text'])),
    );
  })
  .filter((columns) => contradiction(columns) === undefined);

const text = fc.constantFrom(
  '',
  ' ',
  'Anna',
  'a@x.example',
  'b;c',
  'one, two',
  'back\\slash',
  'two\nlines',
  'Köln',
  '1',
);
const value = text.map((one) => one.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/[;,]/g, '\\$&'));
const line = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('EMAIL', 'TEL', 'URL', 'NOTE', 'TITLE', 'X-CUSTOMER-NUMBER', 'FN', 'UID', 'BDAY'),
      fc.subarray(['WORK', 'HOME', 'CELL', 'PREF']),
      value,
    )
    .map(([name, types, one]) => `${name}${types.length > 0 ? `;TYPE=${types.join(',')}` : ''}:${one}`),
  fc
    .tuple(fc.constantFrom('ADR', 'N', 'ORG'), fc.subarray(['WORK', 'HOME', 'PREF']), fc.array(value, { maxLength: 7 }))
    .map(([name, types, parts]) => `${name}${types.length > 0 ? `;TYPE=${types.join(',')}` : ''}:${parts.join(';')}`),
  fc
    .tuple(fc.constantFrom('CATEGORIES', 'NICKNAME'), fc.array(value, { maxLength: 4 }))
    .map(([name, parts]) => `${name}:${parts.join(',')}`),
);

describe('whatever the columns and the card', () => {
  const proven = (body: Buffer, columns: readonly Column[]): void => {
    const once = fitted(body, columns).body;
    const back = fromRow(toRow(once, columns), columns);
    expect(digestContact(back)).toBe(digestContact(once));
    expect(digestContact(fitted(once, columns).body)).toBe(digestContact(once));
    expect(digestContact(fitted(back, columns).body)).toBe(digestContact(once));
  };

  it('what is read back is what was written, and fitting twice is fitting once', () => {
    fc.assert(
      fc.property(mapping, fc.array(line, { maxLength: 10 }), (columns, lines) => proven(card(...lines), columns)),
      { numRuns: 1_500 },
    );
  });

  it('so it is for an address whose type has columns for some of its parts', () => {
    const columns = columnsOf(
      { 'street:home': 'c0', city: 'c1', 'city:home': 'c2', uid: 'c3' },
      { c0: 'text', c1: 'text', c2: 'text', c3: 'text' },
    );
    proven(card('ADR:1', 'ADR;TYPE=HOME:;;Anna;a@x.example'), columns);
  });

  it('so it is for every odd card', () => {
    fc.assert(
      fc.property(mapping, fc.constantFrom(...Object.values(oddCards)), (columns, body) => proven(body, columns)),
      { numRuns: 600 },
    );
  });

  it('a loss is always said', () => {
    fc.assert(
      fc.property(mapping, fc.array(line, { maxLength: 8 }), (columns, lines) => {
        const body = card(...lines);
        const { body: held, notes = [] } = fitted(body, columns);
        if (notes.length > 0) return;
        const names = (of: Buffer) => new Set(parseCard(of).properties.map(({ name }) => name));
        for (const name of names(body)) {
          const said = (of: Buffer) =>
            digestContact(card(...linesOf(of).filter((one) => one.startsWith(name)), 'X-A:1'));
          if (name !== 'FN') expect(said(held), name).toBe(said(body));
        }
      }),
      { numRuns: 400 },
    );
  });
});
