/** Export files as other programs leave them: put together, with old line ends, with names that are escaped and quoted. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { all, never } from '../../tests/conformance/collect.js';
import { calendarProblem } from '../kinds/calendar.js';
import { contactProblem } from '../kinds/contacts.js';
import type { VdirKind } from '../local/item-files.js';
import { createVdirSource } from './source.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-exports-'));
});
afterAll(() => rm(dir, { recursive: true }));

let files = 0;
/** What a source gives of one export file: bodies and reasons, by key. */
async function itemsOf(kind: VdirKind, file: string | Buffer): Promise<Map<string, string>> {
  const path = join(dir, `${++files}${kind === 'calendar' ? '.ics' : '.vcf'}`);
  await writeFile(path, file);
  const source = createVdirSource(path, kind);
  try {
    const [container] = await all(source.containers(never));
    if (!container) return new Map();
    const refs = (await all(source.list(container, undefined, never))).flatMap(({ entries }) => entries);
    const items = await all(source.read(container, refs, never));
    return new Map(items.map((one) => ('body' in one ? [one.key, one.body.toString()] : [one.refused, one.reason])));
  } finally {
    source.close();
  }
}

const zone = (tzid: string, winter: string, summer: string): string[] => [
  'BEGIN:VTIMEZONE',
  `TZID:${tzid}`,
  ...['BEGIN:STANDARD', 'DTSTART:16010101T030000', `TZOFFSETFROM:${summer}`, `TZOFFSETTO:${winter}`, 'END:STANDARD'],
  ...['BEGIN:DAYLIGHT', 'DTSTART:16010401T020000', `TZOFFSETFROM:${winter}`, `TZOFFSETTO:${summer}`, 'END:DAYLIGHT'],
  'END:VTIMEZONE',
];
const entry = (uid: string, ...lines: string[]): string[] => [
  ...['BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20240101T000000Z', ...lines, 'END:VEVENT'],
];
const calendar = (...lines: string[]): string =>
  `${['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', ...lines, 'END:VCALENDAR'].join('\r\n')}\r\n`;
const card = (uid: string, ...lines: string[]): string =>
  `${['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, 'N:A;;;;', ...lines, 'END:VCARD'].join('\r\n')}\r\n`;
const START = 'DTSTART:20240110T090000Z';

describe('calendars that were put together', () => {
  const NAME = 'Customized Time Zone';
  const at = (tzid = NAME): string => `DTSTART;TZID=${tzid}:20240710T090000`;

  it('keep for each event the zone of its own calendar, though all have one name', async () => {
    const items = await itemsOf(
      'calendar',
      calendar(...zone(NAME, '+0100', '+0200'), ...entry('berlin', at())) +
        calendar(...zone(NAME, '-0500', '-0400'), ...entry('new-york', at(), 'RRULE:FREQ=DAILY;COUNT=2')),
    );

    expect(items.get('berlin')).toMatch(/TZOFFSETTO:\+0100/);
    expect(items.get('berlin')).not.toMatch(/-0500/);
    expect(items.get('new-york')).toMatch(/TZOFFSETTO:-0500/);
    expect(items.get('new-york')).not.toMatch(/\+0100/);
  });

  it('do not join parts of a series whose zones differ under one name: the second is an item to be looked at', async () => {
    const items = await itemsOf(
      'calendar',
      calendar(...zone(NAME, '+0100', '+0200'), ...entry('a', at(), 'RRULE:FREQ=DAILY;COUNT=2')) +
        calendar(...zone(NAME, '-0500', '-0400'), ...entry('a', at(), `RECURRENCE-ID;TZID=${NAME}:20240711T090000`)),
    );

    expect([...items.keys()]).toEqual(['a', 'a#2']);
  });

  it('lend each other a zone that only one of them defines', async () => {
    const items = await itemsOf(
      'calendar',
      calendar(...entry('a', at())) + calendar(...zone(NAME, '+0100', '+0200'), ...entry('b', at())),
    );

    expect(items.get('a')).toContain('TZOFFSETTO:+0100');
  });

  it('lend no zone of which there are two', async () => {
    const items = await itemsOf(
      'calendar',
      calendar(...entry('a', at())) +
        calendar(...zone(NAME, '+0100', '+0200'), ...entry('b', at())) +
        calendar(...zone(NAME, '-0500', '-0400'), ...entry('c', at())),
    );

    expect(items.get('a')).not.toContain('VTIMEZONE');
  });

  it('keep their own scale, also where a byte order mark stands between them', async () => {
    const items = await itemsOf(
      'calendar',
      `${calendar(...entry('a', START))}\ufeff${calendar('CALSCALE:HEBREW', ...entry('b', START))}\ufeff${calendar(...entry('c', START))}`,
    );

    expect([...items].map(([key, body]) => [key, body.includes('HEBREW')])).toEqual([
      ['a', false],
      ['b', true],
      ['c', false],
    ]);
  });
});

describe('an event with a zone of its own', () => {
  it.each([
    [
      'escaped where it is defined',
      '(UTC+01:00) Rome\\, Berlin',
      'DTSTART;TZID="(UTC+01:00) Rome, Berlin":20240710T090000',
    ],
    [
      'escaped in both places',
      '(UTC+01:00) Rome\\, Berlin',
      'DTSTART;TZID="(UTC+01:00) Rome\\, Berlin":20240710T090000',
    ],
    ['not quoted', 'Rome, Berlin', 'DTSTART;TZID=Rome, Berlin:20240710T090000'],
    ['behind another parameter in quotes', 'Firma Zeit', 'DTSTART;X-LOCAL="a:b";TZID=Firma Zeit:20240710T090000'],
    ['folded', 'Firma Zeit', 'DTSTART;TZID=Fir\r\n ma Zeit:20240710T090000'],
    ['in small letters', 'Firma Zeit', 'dtstart;tzid=Firma Zeit:20240710T090000'],
  ])('takes the definition with it when its name is %s', async (_, tzid, start) => {
    const file = calendar(...zone(tzid, '+0100', '+0200'), ...entry('a', start), ...entry('b', START));
    const items = await itemsOf('calendar', file);

    expect(items.get('a')).toContain('BEGIN:VTIMEZONE');
    expect(items.get('b')).not.toContain('BEGIN:VTIMEZONE');
  });
});

describe('line ends', () => {
  it.each(['\r', '\n', '\r\n', '\r\r\n'])('of %j divide an export as any others', async (end) => {
    const cards = await itemsOf('contacts', (card('a') + card('b')).replaceAll('\r\n', end));
    const events = await itemsOf(
      'calendar',
      calendar(...entry('a', START), ...entry('b', START)).replaceAll('\r\n', end),
    );

    expect([...cards]).toEqual([
      ['a', card('a')],
      ['b', card('b')],
    ]);
    expect([...events.keys()]).toEqual(['a', 'b']);
    for (const body of events.values()) expect(calendarProblem(Buffer.from(body))).toBeUndefined();
  });

  it('may be in UTF-16', async () => {
    const file = Buffer.from(`\ufeff${card('a', 'NOTE:Größe')}${card('b')}`, 'utf16le');

    expect([...(await itemsOf('contacts', file))]).toEqual([
      ['a', card('a', 'NOTE:Größe')],
      ['b', card('b')],
    ]);
  });

  it('within a line of blanks are kept, as the blanks belong to the text', async () => {
    const items = await itemsOf(
      'calendar',
      calendar(...entry('a', START, 'SUMMARY:blanks', '      '), ...entry('b', START)),
    );

    expect(items.get('a')).toContain('SUMMARY:blanks\r\n      \r\nEND:VEVENT');
  });
});

describe('whatever the bytes are', () => {
  const token = (kind: VdirKind) =>
    fc.constantFrom(
      ...(kind === 'contacts'
        ? ['BEGIN:VCARD', 'END:VCARD', 'VERSION:3.0', 'FN:a', 'begin:vcard', 'NOTE;QUOTED-PRINTABLE:a=']
        : [
            'BEGIN:VEVENT',
            'END:VEVENT',
            'BEGIN:VCALENDAR',
            'END:VCALENDAR',
            'BEGIN:VTIMEZONE',
            'END:VTIMEZONE',
            'BEGIN:VALARM',
            'END:VALARM',
            START,
            'RRULE:FREQ=DAILY',
            'RECURRENCE-ID:20240110',
            'begin:vevent',
          ]),
      'words',
      ' fold',
      '',
      '\ufeff',
      '\x00',
      'X:\xff',
      'UID:',
      'UID:a',
      'TZID:a',
    );
  const file = (kind: VdirKind) =>
    fc
      .tuple(fc.array(token(kind), { maxLength: 20 }), fc.constantFrom('\r\n', '\n', '\r', '\r\r\n'))
      .map(([lines, end]) => lines.join(end));

  it('no event that begins is lost: it is an item, or a failure with its reason', async () => {
    await fc.assert(
      fc.asyncProperty(file('calendar'), async (text) => {
        const bodies = [...(await itemsOf('calendar', Buffer.from(text, 'latin1'))).values()];
        const begins = (one: string): number =>
          one.split(/[\r\n]+/).filter((line) => /^(?:\xef\xbb\xbf)?BEGIN:VEVENT$/i.test(line)).length;
        expect(bodies.reduce((sum, body) => sum + begins(body), 0)).toBe(begins(text));
      }),
    );
  });

  it('no card that begins is lost, and each is an item of its own', async () => {
    await fc.assert(
      fc.asyncProperty(file('contacts'), async (text) => {
        const bodies = [...(await itemsOf('contacts', Buffer.from(text, 'latin1'))).values()];
        const begins = (one: string): number =>
          one.split(/[\r\n]+/).filter((line) => /^BEGIN:VCARD$/i.test(line)).length;
        expect(bodies.filter((body) => begins(body) === 1)).toHaveLength(begins(text));
        for (const body of bodies) if (begins(body) === 0) expect(contactProblem(Buffer.from(body))).toBeDefined();
      }),
    );
  });

  it('every well-formed entry between broken ones is an item without a problem', async () => {
    const broken = fc.constantFrom(
      ['BEGIN:VEVENT', 'UID:torn', START],
      ['END:VEVENT'],
      ['words'],
      ['BEGIN:VALARM'],
      ['BEGIN:VEVENT', 'UID:x', 'END:VEVENT'],
      ['\x00\x01'],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(broken, { minLength: 1, maxLength: 4 }), async (parts) => {
        const lines = parts.flatMap((part, n) => [...part, ...entry(`good-${n}`, START)]);
        const items = await itemsOf('calendar', calendar(...lines));
        for (const n of parts.keys())
          expect(calendarProblem(Buffer.from(items.get(`good-${n}`) ?? ''))).toBeUndefined();
      }),
    );
  });
});
