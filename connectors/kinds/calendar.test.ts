import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { event, oddEvents } from '../../tests/conformance/odd-events.js';
import { foldedLine } from '../formats/icalendar/lines.js';
import {
  calendarIdentities,
  calendarModified,
  calendarProblem,
  calendarRank,
  digestCalendar,
  renewedCalendar,
} from './calendar.js';

const object = (...lines: string[]): Buffer =>
  Buffer.from(`${['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', ...lines, 'END:VCALENDAR'].join('\r\n')}\r\n`);
const entry = (...lines: string[]): Buffer => object('BEGIN:VEVENT', 'UID:a', ...lines, 'END:VEVENT');
const odd = (name: string): Buffer => oddEvents[name] as Buffer;
const zone = (tzid: string, ...observances: string[][]): string[] => [
  'BEGIN:VTIMEZONE',
  `TZID:${tzid}`,
  ...observances.flat(),
  'END:VTIMEZONE',
];
const standard = (...lines: string[]): string[] => ['BEGIN:STANDARD', ...lines, 'END:STANDARD'];
const daylight = (...lines: string[]): string[] => ['BEGIN:DAYLIGHT', ...lines, 'END:DAYLIGHT'];
const zoned = (tzid: string, definition: string[]): Buffer =>
  object(...definition, 'BEGIN:VEVENT', 'UID:a', `DTSTART;TZID=${tzid}:20260301T100000`, 'END:VEVENT');

const START = 'DTSTART:20260301T100000Z';
const IN_BERLIN = 'DTSTART;TZID=Europe/Berlin:20260301T100000';

describe('digestCalendar: what does not count', () => {
  it.each<[string, Buffer, Buffer]>([
    ['escaping', entry(START, 'SUMMARY:a, b; c\\Nd'), entry(START, 'SUMMARY:a\\, b\\; c\\nd')],
    ['quotes of parameters', entry('DTSTART;TZID="Europe/Berlin":20260301T100000'), entry(IN_BERLIN)],
    ['the type that a value shows', entry('DTSTART;VALUE=DATE-TIME:20260301T100000Z'), entry(START)],
    ['an end as a duration', entry(START, 'DURATION:PT90M'), entry(START, 'DTEND:20260301T113000Z')],
    [
      'a day as a duration in a zone',
      entry(IN_BERLIN, 'DURATION:P1D'),
      entry(IN_BERLIN, 'DTEND;TZID=Europe/Berlin:20260302T100000'),
    ],
    [
      'an end that is implied',
      entry('DTSTART;VALUE=DATE:20260301', 'DTEND;VALUE=DATE:20260302'),
      entry('DTSTART;VALUE=DATE:20260301'),
    ],
    [
      'Lightning’s empty duration',
      entry(START, 'DTEND:20260301T110000Z', 'DURATION:PT0S'),
      entry(START, 'DTEND:20260301T110000Z'),
    ],
    [
      'hours or minutes of an alarm',
      entry(START, 'BEGIN:VALARM', 'TRIGGER:-PT60M', 'END:VALARM'),
      entry(START, 'BEGIN:VALARM', 'TRIGGER;RELATED=START:-PT1H', 'END:VALARM'),
    ],
    [
      'days of an alarm',
      entry(START, 'BEGIN:VALARM', 'TRIGGER:-PT49H', 'END:VALARM'),
      entry(START, 'BEGIN:VALARM', 'TRIGGER:-P2DT1H', 'END:VALARM'),
    ],
    [
      'parts of a rule',
      entry(START, 'RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,FR;WKST=MO'),
      entry(START, 'RRULE:BYDAY=FR,MO;FREQ=weekly'),
    ],
    [
      'exceptions in one line or two',
      entry(START, 'EXDATE:20260302T100000Z,20260303T100000Z'),
      entry(START, 'EXDATE:20260303T100000Z', 'EXDATE:20260302T100000Z'),
    ],
    ['categories in one line or two', entry(START, 'CATEGORIES:A,B'), entry(START, 'CATEGORIES:B', 'CATEGORIES:A')],
    [
      'bookkeeping',
      entry(
        START,
        'DTSTAMP:20260101T000000Z',
        'CREATED:20200101T000000Z',
        'LAST-MODIFIED:20260101T000000Z',
        'SEQUENCE:4',
      ),
      entry(START),
    ],
    [
      'what absence says',
      entry(START, 'CLASS:PUBLIC', 'TRANSP:OPAQUE', 'PRIORITY:0', 'STATUS:CONFIRMED'),
      entry(START),
    ],
    ['empty texts', entry(START, 'DESCRIPTION:', 'LOCATION;LANGUAGE=de:'), entry(START)],
    [
      'an attendee with everything spelt out',
      entry(
        START,
        'ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=needs-action;RSVP=FALSE:MAILTO:Bo@Example.com',
      ),
      entry(START, 'ATTENDEE:mailto:bo@example.com'),
    ],
    [
      'who delivers invitations',
      entry(
        START,
        'ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:a@b',
        'ATTENDEE;SCHEDULE-STATUS="2.0";SCHEDULE-FORCE-SEND=REQUEST:mailto:c@d',
      ),
      entry(START, 'ORGANIZER:mailto:a@b', 'ATTENDEE:mailto:c@d'),
    ],
    [
      'the wrapper',
      object('METHOD:PUBLISH', 'CALSCALE:GREGORIAN', 'X-WR-CALNAME:Team', 'BEGIN:VEVENT', 'UID:a', START, 'END:VEVENT'),
      Buffer.from(`BEGIN:VEVENT\nUID:a\n${START}\nEND:VEVENT`),
    ],
    [
      'a zone everybody knows, with or without its rules',
      zoned(
        'Europe/Berlin',
        zone('Europe/Berlin', standard('DTSTART:19700101T000000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0100')),
      ),
      entry(IN_BERLIN),
    ],
    [
      'a vendor’s prefix of a zone',
      entry('DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260301T100000'),
      entry(IN_BERLIN),
    ],
    [
      'an older name of a zone',
      entry('DTSTART;TZID=Asia/Calcutta:20260301T100000'),
      entry('DTSTART;TZID=Asia/Kolkata:20260301T100000'),
    ],
    ['UTC as a zone', entry('DTSTART;TZID=UTC:20260301T100000'), entry(START)],
    [
      'a zone that is not used',
      object(
        ...zone('Mine', standard('DTSTART:19700101T000000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0100')),
        'BEGIN:VEVENT',
        'UID:a',
        START,
        'END:VEVENT',
      ),
      entry(START),
    ],
    [
      'the name of a zone of one’s own, and how its rules are written',
      zoned(
        'Mine',
        zone(
          'Mine',
          standard(
            'DTSTART:16010101T030000',
            'TZNAME:X',
            'TZOFFSETFROM:+0200',
            'TZOFFSETTO:+0100',
            'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
          ),
          daylight(
            'DTSTART:16010101T020000',
            'TZOFFSETFROM:+0100',
            'TZOFFSETTO:+0200',
            'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
          ),
        ),
      ),
      zoned(
        'Other',
        zone(
          'Other',
          daylight(
            'DTSTART:19810329T020000',
            'TZOFFSETFROM:+0100',
            'TZOFFSETTO:+0200',
            'RRULE:BYMONTH=3;FREQ=YEARLY;BYDAY=-1SU',
          ),
          standard(
            'DTSTART:19811025T030000',
            'TZOFFSETFROM:+0200',
            'TZOFFSETTO:+0100',
            'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
          ),
        ),
      ),
    ],
  ])('%s', (_, one, other) => {
    expect(digestCalendar(one)).toBe(digestCalendar(other));
  });
});

describe('digestCalendar: what counts', () => {
  it.each<[string, Buffer, Buffer]>([
    [
      'a byte of an attachment',
      entry(START, 'ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAB'),
      entry(START, 'ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA'),
    ],
    ['an alarm lost', entry(START), entry(START, 'BEGIN:VALARM', 'TRIGGER:-PT5M', 'END:VALARM')],
    [
      'another day on which clocks change',
      zoned(
        'Mine',
        zone(
          'Mine',
          standard('DTSTART:19701001T000000', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100', 'RRULE:FREQ=YEARLY'),
          daylight('DTSTART:19700401T000000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'RRULE:FREQ=YEARLY'),
        ),
      ),
      zoned(
        'Mine',
        zone(
          'Mine',
          standard('DTSTART:19701001T000000', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100', 'RRULE:FREQ=YEARLY'),
          daylight('DTSTART:19700501T000000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'RRULE:FREQ=YEARLY'),
        ),
      ),
    ],
    ['a shift by an hour', entry('DTSTART:20260301T110000Z'), entry(START)],
    ['a zone lost', entry('DTSTART:20260301T100000'), entry(IN_BERLIN)],
    ['a zone turned into UTC', entry('DTSTART:20260301T090000Z'), entry(IN_BERLIN)],
    ['floating turned into UTC', entry('DTSTART:20260301T100000'), entry(START)],
    ['a whole day turned into midnight', entry('DTSTART:20260301T000000'), entry('DTSTART;VALUE=DATE:20260301')],
    [
      'a whole-day event a day longer',
      entry('DTSTART;VALUE=DATE:20260301', 'DTEND;VALUE=DATE:20260303'),
      entry('DTSTART;VALUE=DATE:20260301'),
    ],
    ['24 hours for a day in a zone', entry(IN_BERLIN, 'DURATION:PT24H'), entry(IN_BERLIN, 'DURATION:P1D')],
    [
      'an exception lost',
      entry(START, 'RRULE:FREQ=DAILY'),
      entry(START, 'RRULE:FREQ=DAILY', 'EXDATE:20260302T100000Z'),
    ],
    ['one of two equal comments lost', entry(START, 'COMMENT:x'), entry(START, 'COMMENT:x', 'COMMENT:x')],
    [
      'an answer of an attendee',
      entry(START, 'ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b'),
      entry(START, 'ATTENDEE:mailto:a@b'),
    ],
    [
      'a value cut at its comma',
      entry(START, 'X-APPLE-STRUCTURED-LOCATION:geo:52.52'),
      entry(START, 'X-APPLE-STRUCTURED-LOCATION:geo:52.52,13.4'),
    ],
    ['one category with a comma for two', entry(START, 'CATEGORIES:A\\,B'), entry(START, 'CATEGORIES:A,B')],
    ['a backslash for a line end', entry(START, 'SUMMARY:a\\\\nb'), entry(START, 'SUMMARY:a\\nb')],
    [
      'a line end that hides a property',
      entry(START, 'SUMMARY:a\\nLOCATION:b'),
      entry(START, 'SUMMARY:a', 'LOCATION:b'),
    ],
    ['case of a text', entry(START, 'SUMMARY:Anna'), entry(START, 'SUMMARY:anna')],
    ['a broken letter', entry(START, 'SUMMARY:K?ln'), entry(START, 'SUMMARY:Köln')],
    [
      'an alarm moved to the event',
      entry(START, 'DESCRIPTION:x', 'BEGIN:VALARM', 'END:VALARM'),
      entry(START, 'BEGIN:VALARM', 'DESCRIPTION:x', 'END:VALARM'),
    ],
    ['another UID', Buffer.from(event(1).toString().replace('plain-', 'other-')), event(1)],
    ['cancelled', entry(START, 'STATUS:CANCELLED'), entry(START, 'STATUS:CONFIRMED')],
    ['another calendar system', object('CALSCALE:CHINESE', 'BEGIN:VEVENT', 'UID:a', START, 'END:VEVENT'), entry(START)],
    [
      'a second end',
      entry(START, 'DTEND:20260301T110000Z', 'DTEND:20260301T120000Z'),
      entry(START, 'DTEND:20260301T110000Z'),
    ],
    ['a line that is none', entry(START, 'lost words'), entry(START)],
    [
      'other rules under a name of one’s own',
      zoned('Mine', zone('Mine', standard('DTSTART:19700101T000000', 'TZOFFSETFROM:+0130', 'TZOFFSETTO:+0130'))),
      zoned('Mine', zone('Mine', standard('DTSTART:19700101T000000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0100'))),
    ],
  ])('%s', (_, one, other) => {
    expect(digestCalendar(one)).not.toBe(digestCalendar(other));
  });

  it('tells all the odd ones apart', () => {
    const digests = Object.values(oddEvents).map(digestCalendar);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

/** Lines that make up an event, each of which a person would miss. */
const someLine = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('SUMMARY', 'DESCRIPTION', 'LOCATION', 'X-THING', 'COMMENT'),
      fc.string({ minLength: 1, unit: 'grapheme' }),
    )
    .map(([name, text]) => `${name}:${text.replace(/[\\,;]/g, '\\$&').replace(/[\p{Cc}]/gu, '_')}`),
  fc.emailAddress().map((address) => `ATTENDEE;CN="Doe, ${address.length}";ROLE=CHAIR:mailto:${address}`),
  fc
    .date({ min: new Date('1980-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
    .map((date) => `EXDATE:${date.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`),
  fc
    .uint8Array({ minLength: 60, maxLength: 90 })
    .map((bytes) => `ATTACH;ENCODING=BASE64;VALUE=BINARY:${Buffer.from(bytes).toString('base64')}`),
);

describe('digestCalendar: properties', () => {
  it('is the same for every order, folding and spelling of names', () => {
    fc.assert(
      fc.property(
        fc.array(someLine, { minLength: 1, maxLength: 8 }),
        fc.integer(),
        fc.boolean(),
        (lines, seed, unix) => {
          const shuffled = [...lines].sort(
            (a, b) => ((a.length * 31 + seed) % 7) - ((b.length * 31 + seed) % 7) || (a < b ? 1 : -1),
          );
          const rewritten = shuffled.map((line) => {
            const folded = foldedLine(Buffer.from(line).toString('latin1')).replaceAll('\r\n ', '\r\n\t');
            return Buffer.from(folded, 'latin1')
              .toString()
              .replace(/^[A-Z-]+/, (name) => name.toLowerCase());
          });
          const other = entry(...rewritten, START).toString();
          expect(digestCalendar(Buffer.from(unix ? other.replaceAll('\r\n', '\n').trimEnd() : other))).toBe(
            digestCalendar(entry(START, ...lines)),
          );
        },
      ),
    );
  });

  it('changes with each line that is lost', () => {
    fc.assert(
      fc.property(fc.array(someLine, { minLength: 1, maxLength: 6 }), fc.nat(), (lines, at) => {
        const without = lines.filter((_, index) => index !== at % lines.length);
        expect(digestCalendar(entry(START, ...without))).not.toBe(digestCalendar(entry(START, ...lines)));
      }),
    );
  });

  it('never throws, and tells bytes apart that are no calendar', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        expect(digestCalendar(Buffer.from(bytes))).toMatch(/^02[0-9a-f]{64}$/);
      }),
    );
    expect(digestCalendar(Buffer.from('one\r\ntwo\r\n'))).toBe(digestCalendar(Buffer.from('one\ntwo')));
    expect(digestCalendar(Buffer.from('one'))).not.toBe(digestCalendar(Buffer.from('two')));
  });

  it('withstands what is built to keep it busy', () => {
    const deep = Buffer.from('BEGIN:VEVENT\r\n'.repeat(100_000));
    const secondly = zoned(
      'Mine',
      zone(
        'Mine',
        standard('DTSTART:19700101T000000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'RRULE:FREQ=SECONDLY'),
      ),
    );
    const far = entry('DTSTART:99991231T235959Z', 'DURATION:P999999999W');
    const spent = process.cpuUsage();
    for (const body of [deep, secondly, far, entry(`X;TZID=/${'A/'.repeat(50_000)}:x`)]) digestCalendar(body);
    expect(process.cpuUsage(spent).user).toBeLessThan(2_000_000);
  });

  it('takes less than 0.2 ms of processor time for a body', () => {
    const bodies = Array.from({ length: 5000 }, (_, n) => event(n));
    const before = process.cpuUsage();
    for (const body of bodies) digestCalendar(body);
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});

describe('identities, time and order', () => {
  it('knows an event by its UID, and by what the spec names', () => {
    expect(calendarIdentities(odd('lines folded with tabs and in odd places'), ['uid'])).toEqual([
      'uid:folds@odd.example',
    ]);
    expect(calendarIdentities(entry(START, 'X-TICKET: 12 '), ['X-TICKET', 'uid', 'X-NONE'])).toEqual([
      'X-TICKET:12',
      'uid:a',
    ]);
    expect(calendarIdentities(Buffer.from('nothing'), ['uid'])).toEqual([]);
  });

  it('was modified when its latest component was', () => {
    expect(calendarModified(odd('properties of the whole calendar'))).toBe(Date.UTC(2026, 0, 4));
    expect(calendarModified(odd('a series with overrides'))).toBe(Date.UTC(2026, 0, 5, 8));
    const two = object(
      'BEGIN:VEVENT',
      'DTSTAMP:20260101T000000Z',
      'END:VEVENT',
      'BEGIN:VEVENT',
      'LAST-MODIFIED:20260102T000000Z',
      'END:VEVENT',
    );
    expect(calendarModified(two)).toBe(Date.UTC(2026, 0, 2));
    expect(calendarModified(entry(START))).toBeUndefined();
  });

  it('ranks invitations of others after one’s own', () => {
    const invited = odd('an organiser and attendees');
    expect(calendarRank(invited, 'Anna@Odd.example')).toBe(0);
    expect(calendarRank(invited, 'anna')).toBe(0);
    expect(calendarRank(invited, 'bo@odd.example')).toBe(1);
    expect(calendarRank(entry(START, 'ORGANIZER:mailto:a@b'), 'bo')).toBe(0);
    expect(calendarRank(event(1), 'bo')).toBe(0);
  });

  it('renews the UID of all entries, and of nothing inside them', () => {
    const series = renewedCalendar(odd('a series with overrides')).toString();
    const uids = [...series.matchAll(/^UID:(.*)\r$/gm)].map((match) => match[1]);
    expect(uids).toHaveLength(3);
    expect(new Set(uids)).toEqual(new Set([digestCalendar(odd('a series with overrides')).slice(0, 32)]));
    expect(series.replaceAll(/^UID:.*$/gm, '')).toBe(
      odd('a series with overrides')
        .toString()
        .replaceAll(/^UID:.*$/gm, ''),
    );
    expect(renewedCalendar(odd('alarms of all sorts')).toString()).toContain('UID:alarm-4@odd.example');
  });
});

describe('calendarProblem', () => {
  it('finds none in the odd ones', () => {
    for (const [name, body] of Object.entries(oddEvents))
      expect([name, calendarProblem(body)]).toEqual([name, undefined]);
  });

  it.each<[string, Buffer, RegExp]>([
    ['no calendar', Buffer.from('hello'), /no iCalendar object/],
    ['an END of nothing', Buffer.from('BEGIN:VCALENDAR\r\nEND:VEVENT\r\n'), /do not match/],
    ['nothing inside', object(), /no event/],
    [
      'several UIDs',
      object('BEGIN:VEVENT', 'UID:a', START, 'END:VEVENT', 'BEGIN:VEVENT', 'UID:b', START, 'END:VEVENT'),
      /several UIDs/,
    ],
    [
      'several kinds',
      object('BEGIN:VEVENT', 'UID:a', START, 'END:VEVENT', 'BEGIN:VTODO', 'UID:a', 'END:VTODO'),
      /several kinds/,
    ],
    ['no DTSTART', entry('SUMMARY:x'), /no DTSTART/],
    ['a DTSTART of words', entry('DTSTART:tomorrow'), /DTSTART that is no date/],
    ['a rule without frequency', entry(START, 'RRULE:COUNT=3'), /without a frequency/],
  ])('tells of %s', (_, body, reason) => {
    expect(calendarProblem(body)).toMatch(reason);
  });
});
