/** As for calendars: whatever stands in a value of a card, it never passes for structure, in whatever version it is written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contactIdentities, digestContact } from '../../kinds/contacts.js';
import { convertCard } from './convert.js';
import { repaired } from './repair.js';

interface Line {
  readonly name: string;
  readonly params: readonly (readonly [string, readonly string[]])[];
  readonly value: string;
}

const quoted = (value: string): string => (/[:;,]/.test(value) ? `"${value}"` : value);
const escaped = (text: string): string => text.replace(/[\\,;]/g, '\\$&').replaceAll('\n', '\\n');
const card = (version: string, ...lines: string[]): Buffer =>
  Buffer.from(
    `${['BEGIN:VCARD', `VERSION:${version}`, 'UID:a', 'FN:A', 'N:A', ...lines, 'END:VCARD'].join('\r\n')}\r\n`,
  );
const writtenLine = ({ name, params, value }: Line): string =>
  `${name}${params.map(([param, values]) => `;${param}=${values.map(quoted).join(',')}`).join('')}:${escaped(value)}`;
const structure = (lines: readonly Line[]): string =>
  JSON.stringify(
    lines
      .map(({ name, params, value }) => {
        const joined = new Map<string, string[]>();
        for (const [param, values] of params) joined.set(param, [...(joined.get(param) ?? []), ...values]);
        const sorted = [...joined].map(([param, values]) => JSON.stringify([param, values.sort()])).sort();
        return JSON.stringify([name, sorted, value]);
      })
      .sort(),
  );

const marks = (characters: string) =>
  fc
    .string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 5 })
    .filter((text) => text.trim() === text);
const line: fc.Arbitrary<Line> = fc.record({
  name: fc.constantFrom('X-A', 'NOTE', 'TITLE'),
  params: fc.array(
    fc.tuple(fc.constantFrom('X-P', 'X-Q'), fc.array(marks('ab:;,=?'), { minLength: 1, maxLength: 2 })),
    { maxLength: 2 },
  ),
  value: marks('ab:;,="?\\\n'),
});
const lines = fc.array(line, { minLength: 1, maxLength: 3 });

/** Two lines that are one text once their quotes are gone. */
const twisted: fc.Arbitrary<readonly [Line, Line]> = fc
  .tuple(marks('ab'), marks('ab'), marks('ab'), fc.constantFrom(':', ';X-Q=', ','))
  .map(([a, b, value, mark]) => [
    { name: 'X-A', params: [['X-P', [`${a}${mark}${b}`]]], value },
    mark === ':'
      ? { name: 'X-A', params: [['X-P', [a]]], value: `${b}:${value}` }
      : mark === ','
        ? { name: 'X-A', params: [['X-P', [a, b]]], value }
        : {
            name: 'X-A',
            params: [
              ['X-P', [a]],
              ['X-Q', [b]],
            ],
            value,
          },
  ]);

describe('digestContact', () => {
  it('is equal for equal structures, and for no others', () => {
    const pairs = fc.oneof(
      fc.tuple(lines, lines),
      fc.tuple(lines, twisted).map(([plain, [one, other]]) => [
        [...plain, one],
        [...plain, other],
      ]),
    ) as fc.Arbitrary<readonly [Line[], Line[]]>;
    fc.assert(
      fc.property(pairs, fc.constantFrom('3.0', '4.0'), ([one, other], version) => {
        const digests = [one, other].map((each) => digestContact(card(version, ...each.map(writtenLine))));
        expect(digests[0] === digests[1]).toBe(structure(one) === structure(other));
      }),
      { numRuns: 2000 },
    );
  });

  it('is the same in 2.1, 3.0 and 4.0, as quoted-printable, and in another character set', () => {
    // Letters of Latin-1: each of the spellings has them.
    const text = fc
      .string({ unit: fc.constantFrom(...'abcé ß:;,="\\/.nNü\n'), minLength: 1, maxLength: 90 })
      .filter((value) => value.trim() === value);
    const hex = (bytes: Buffer): string =>
      [...bytes].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
    const broken = (value: string): string => value.replace(/(?:=..){20}(?=.)/g, '$&=\r\n');
    fc.assert(
      fc.property(text, (value) => {
        const wanted = digestContact(card('3.0', `NOTE:${escaped(value)}`));
        const plain21 = value.replaceAll(';', '\\;');
        const spellings = [
          card('4.0', `NOTE:${escaped(value)}`),
          card('2.1', broken(`NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:${hex(Buffer.from(plain21))}`)),
          card('2.1', broken(`NOTE;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:${hex(Buffer.from(plain21, 'latin1'))}`)),
          card(
            '3.0',
            broken(`NOTE;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:${hex(Buffer.from(escaped(value), 'latin1'))}`),
          ),
          Buffer.from(card('3.0', `NOTE;CHARSET=ISO-8859-1:${escaped(value)}`).toString(), 'latin1'),
          ...(value.includes('\n')
            ? []
            : [Buffer.from(card('2.1', `NOTE;CHARSET=ISO-8859-1:${plain21}`).toString(), 'latin1')]),
        ];
        for (const body of spellings) {
          expect(digestContact(body)).toBe(wanted);
          for (const version of ['3.0', '4.0'] as const) {
            const held = convertCard(repaired(body).body, version);
            expect([held.notes, digestContact(held.body)]).toEqual([undefined, wanted]);
            expect(Buffer.from(held.body.toString()).equals(held.body)).toBe(true);
          }
        }
      }),
    );
  });

  it('of 2.1 takes a backslash for a backslash, but for one before a semicolon', () => {
    const old = card('2.1', 'NOTE:C:\\new and \\\\server\\share\\; a, b', 'ORG:A\\B;C, D', 'ADR:;;X\\;Y, Z');
    expect(convertCard(old, '3.0').body.toString()).toContain(
      'NOTE:C:\\\\new and \\\\\\\\server\\\\share\\; a\\, b\r\n',
    );
    expect(digestContact(old)).toBe(
      digestContact(
        card('3.0', 'NOTE:C:\\\\new and \\\\\\\\server\\\\share\\; a\\, b', 'ORG:A\\\\B;C\\, D', 'ADR:;;X\\;Y\\, Z'),
      ),
    );
    expect(contactIdentities(card('2.1', 'X-PATH:C:\\new'), ['X-PATH'])).toEqual(['X-PATH:C:\\new']);
  });
});
