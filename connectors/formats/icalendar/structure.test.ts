/** Meaning is compared as structure: whatever stands in a value, it never passes for a parameter, a line or a component. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestCalendar } from '../../kinds/calendar.js';
import { foldedLine } from './lines.js';

interface Line {
  readonly name: string;
  readonly params: readonly (readonly [string, readonly string[]])[];
  readonly value: string;
}

interface Part {
  readonly name: string;
  readonly lines: readonly Line[];
  readonly parts: readonly Part[];
}

const quoted = (value: string): string => (/[:;,]/.test(value) ? `"${value}"` : value);
const escaped = (text: string): string => text.replace(/[\\,;]/g, '\\$&').replaceAll('\n', '\\n');

function linesOf({ name, lines, parts }: Part): string[] {
  const written = lines.map(
    (line) =>
      `${line.name}${line.params.map(([param, values]) => `;${param}=${values.map(quoted).join(',')}`).join('')}:${escaped(line.value)}`,
  );
  return [`BEGIN:${name}`, ...written, ...parts.flatMap(linesOf), `END:${name}`];
}

const bodyOf = (part: Part): Buffer =>
  Buffer.from(`${['BEGIN:VCALENDAR', 'VERSION:2.0', ...linesOf(part), 'END:VCALENDAR'].join('\r\n')}\r\n`);

/** What it says, its parts in an order that does not count. */
function structure({ name, lines, parts }: Part): string {
  const said = lines.map(({ name, params, value }) =>
    JSON.stringify([name, params.map(([param, values]) => JSON.stringify([param, [...values].sort()])).sort(), value]),
  );
  return JSON.stringify([name, said.sort(), parts.map(structure).sort()]);
}

/** Few characters, among them all that divide: joined texts would collide at once. */
const marks = (characters: string) =>
  fc
    .string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 5 })
    .filter((text) => text.trim() === text);
const line: fc.Arbitrary<Line> = fc.record({
  name: fc.constantFrom('X-A', 'X-B', 'SUMMARY'),
  params: fc.array(
    fc.tuple(
      fc.constantFrom('X-P', 'X-Q'),
      fc.array(marks('ab:;,=?+\\'.replace('\\', '')), { minLength: 1, maxLength: 2 }),
    ),
    { maxLength: 2 },
  ),
  value: marks('ab:;,="?\\\n'),
});
const alarm: fc.Arbitrary<Part> = fc.record({
  name: fc.constantFrom('VALARM', 'X-PART'),
  lines: fc.array(line, { maxLength: 2 }),
  parts: fc.constant([]),
});
const event: fc.Arbitrary<Part> = fc.record({
  name: fc.constant('VEVENT'),
  lines: fc.array(line, { minLength: 1, maxLength: 3 }),
  parts: fc.array(alarm, { maxLength: 2 }),
});

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

describe('digestCalendar', () => {
  it('is equal for equal structures, and for no others', () => {
    const pairs = fc.oneof(
      fc.tuple(event, event),
      fc.tuple(event, twisted).map(([part, [one, other]]) => {
        const withLine = (line: Line): Part => ({ ...part, lines: [...part.lines, line] });
        return [withLine(one), withLine(other)] as const;
      }),
    );
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        expect(digestCalendar(bodyOf(one)) === digestCalendar(bodyOf(other))).toBe(structure(one) === structure(other));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['ORGANIZER;SENT-BY="mailto:a@b":mailto:c@d', 'ORGANIZER;SENT-BY=mailto:a@b:mailto:c@d'],
    ['ATTENDEE;CN="a;ROLE=CHAIR":mailto:j@x', 'ATTENDEE;CN=a;ROLE=CHAIR:mailto:j@x'],
    ['DESCRIPTION;ALTREP="CID:part3.msg":The party', 'DESCRIPTION;ALTREP=CID:part3.msg:The party'],
    ['X-A;P="b,c":v', 'X-A;P=b,c:v'],
  ])('tells %s from %s', (one, other) => {
    const body = (written: string): Buffer => Buffer.from(`BEGIN:VEVENT\r\nUID:1\r\n${written}\r\nEND:VEVENT\r\n`);
    expect(digestCalendar(body(one))).not.toBe(digestCalendar(body(other)));
  });

  const ends = fc.constantFrom('\r\n', '\n', '\r', '\r\r\n');
  it('is the same for every line end, folding and mark of a byte order', () => {
    fc.assert(
      fc.property(event, ends, fc.boolean(), fc.constantFrom(' ', '\t'), (part, end, marked, blank) => {
        const plain = bodyOf(part).toString();
        const refolded = plain
          .trimEnd()
          .split('\r\n')
          .map((one) => one.replace(/(?<=^.{9}).(?=.)/, `$&\r\n${blank}`));
        const other = `${marked ? '\ufeff' : ''}${refolded.join('\r\n')}`.replaceAll('\r\n', end);
        expect(digestCalendar(Buffer.from(other))).toBe(digestCalendar(bodyOf(part)));
        expect(digestCalendar(Buffer.from(`\ufeff${plain}`, 'utf16le'))).toBe(digestCalendar(bodyOf(part)));
      }),
    );
  });

  it('is the same however its letters are folded', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 30, maxLength: 60 })
      .map((one) => one.replace(/[\p{Cc}\p{Cs}\\]/gu, '_'));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 40 }), (value, at) => {
        const bytes = Buffer.from(`SUMMARY:${value}x`).toString('latin1');
        const body = (written: string): Buffer =>
          Buffer.from(`BEGIN:VEVENT\r\nUID:1\r\n${written}\r\nEND:VEVENT\r\n`, 'latin1');
        const cut = `${bytes.slice(0, at + 8)}\r\n ${bytes.slice(at + 8)}`;
        expect(digestCalendar(body(cut))).toBe(digestCalendar(body(bytes)));
        expect(digestCalendar(body(foldedLine(bytes)))).toBe(digestCalendar(body(bytes)));
      }),
    );
  });
});

describe('time zones', () => {
  const zone = (tzid: string, offset: string): string[] => [
    'BEGIN:VTIMEZONE',
    `TZID:${tzid}`,
    'BEGIN:STANDARD',
    'DTSTART:16010101T000000',
    `TZOFFSETFROM:${offset}`,
    `TZOFFSETTO:${offset}`,
    'END:STANDARD',
    'END:VTIMEZONE',
  ];
  const entry = (param: string, ...zones: string[]): Buffer =>
    Buffer.from(
      `${['BEGIN:VCALENDAR', ...zones, 'BEGIN:VEVENT', 'UID:1', `DTSTART;TZID=${param}:20240710T090000`, 'END:VEVENT', 'END:VCALENDAR'].join('\r\n')}\r\n`,
    );

  it.each([
    ['escaped in the definition', '"(UTC+01:00) Berlin, Rome"', '(UTC+01:00) Berlin\\, Rome'],
    ['escaped in both', '"(UTC+01:00) Berlin\\, Rome"', '(UTC+01:00) Berlin\\, Rome'],
    ['not quoted', 'Berlin, Rome', 'Berlin\\, Rome'],
  ])('find the definition of a name that is %s', (_, param, tzid) => {
    const plain = entry('Zone', ...zone('Zone', '+0100'));
    expect(digestCalendar(entry(param, ...zone(tzid, '+0100')))).toBe(digestCalendar(plain));
    expect(digestCalendar(entry(param, ...zone(tzid, '+0200')))).not.toBe(digestCalendar(plain));
    expect(digestCalendar(entry(param))).not.toBe(digestCalendar(plain));
  });

  it('with two definitions of one name are neither of both', () => {
    const both = entry('Zone', ...zone('Zone', '+0100'), ...zone('Zone', '-0500'));
    expect(digestCalendar(both)).not.toBe(digestCalendar(entry('Zone', ...zone('Zone', '+0100'))));
    expect(digestCalendar(both)).not.toBe(digestCalendar(entry('Zone', ...zone('Zone', '-0500'))));
    expect(digestCalendar(both)).toBe(
      digestCalendar(entry('Zone', ...zone('Zone', '-0500'), ...zone('Zone', '+0100'))),
    );
  });
});
