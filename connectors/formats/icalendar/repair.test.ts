import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { event, oddEvents } from '../../../tests/conformance/odd-events.js';
import { calendarProblem, digestCalendar } from '../../kinds/calendar.js';
import { withEscapedCommas } from './commas.js';
import { repaired } from './repair.js';

const HEAD = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x'];
const object = (...lines: string[]): Buffer => Buffer.from(`${[...HEAD, ...lines, 'END:VCALENDAR'].join('\r\n')}\r\n`);
const entry = (...lines: string[]): Buffer =>
  object('BEGIN:VEVENT', 'UID:a', 'DTSTART:20260301T100000Z', ...lines, 'END:VEVENT');
const odd = (name: string): Buffer => oddEvents[name] as Buffer;

describe('repaired', () => {
  it('gives back what is sound as the same buffer', () => {
    for (const [name, body] of Object.entries(oddEvents)) {
      if (/^broken|between its bytes|other scripts/.test(name)) continue;
      expect([name, repaired(body).body === body]).toEqual([name, true]);
    }
  });

  it.each<[string, Buffer, Buffer]>([
    [
      'line ends',
      odd('broken: line feeds only'),
      Buffer.from(odd('broken: line feeds only').toString().replaceAll('\n', '\r\n')),
    ],
    ['a missing last line end', Buffer.from(event(1).toString().trimEnd()), event(1)],
    [
      'a byte order mark and blank lines',
      Buffer.from(`\ufeff${event(1).toString().replace('DTSTAMP', '\r\nDTSTAMP')}`),
      event(1),
    ],
    [
      'a missing end',
      Buffer.from(
        entry()
          .toString()
          .replace(/END:[\s\S]*/, ''),
      ),
      entry(),
    ],
    [
      'a missing wrapper',
      Buffer.from('BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260301T100000Z\r\nEND:VEVENT\r\n'),
      Buffer.from(
        entry().toString().replace('VERSION:2.0\r\nPRODID:x', 'VERSION:2.0\r\nPRODID:-//Drover//Repaired//EN'),
      ),
    ],
    [
      'a METHOD',
      object('METHOD:PUBLISH', 'BEGIN:VTODO', 'UID:a', 'END:VTODO'),
      object('BEGIN:VTODO', 'UID:a', 'END:VTODO'),
    ],
    ['bare commas in a text', entry('SUMMARY;LANGUAGE=en:a, b; c\\, d'), entry('SUMMARY;LANGUAGE=en:a\\, b\\; c\\, d')],
    [
      'a letter folded between its bytes',
      odd('a letter folded between its bytes'),
      Buffer.from(odd('a letter folded between its bytes').toString('latin1').replace('\r\n \xb6', '\xb6'), 'latin1'),
    ],
    [
      'the time zone of a date',
      entry('RECURRENCE-ID;VALUE=DATE;TZID=US/Pacific:20260302'),
      entry('RECURRENCE-ID;VALUE=DATE:20260302'),
    ],
    [
      'a name of a zone whose commas are not quoted',
      entry('DTEND;TZID=Berlin, Rome:20260301T110000'),
      entry('DTEND;TZID="Berlin, Rome":20260301T110000'),
    ],
    ...['\r', '\n', '\r\r\n'].map((end): [string, Buffer, Buffer] => [
      `line ends of ${JSON.stringify(end)}`,
      Buffer.from(entry('DESCRIPTION:a', ' b').toString().replaceAll('\r\n', end)),
      entry('DESCRIPTION:a', ' b'),
    ]),
    [
      'an empty duration beside an end',
      entry('DTEND:20260301T110000Z', 'DURATION:PT0S'),
      entry('DTEND:20260301T110000Z'),
    ],
  ])('mends %s without a note: the meaning stays', (_, broken, wanted) => {
    expect(repaired(broken).body.toString()).toBe(wanted.toString());
    expect(repaired(broken).notes).toBeUndefined();
    expect(digestCalendar(repaired(broken).body)).toBe(digestCalendar(broken));
  });

  it.each<[string, Buffer, Buffer, RegExp]>([
    ['an end before its start', entry('DTEND:20260301T090000Z'), entry(), /DTEND was left out/],
    [
      'an end and a duration',
      entry('DTEND:20260301T110000Z', 'DURATION:PT2H'),
      entry('DTEND:20260301T110000Z'),
      /DURATION was left out/,
    ],
    [
      'a date left out of a series of times',
      entry('RRULE:FREQ=DAILY', 'EXDATE;VALUE=DATE:20260302,20260303'),
      entry('RRULE:FREQ=DAILY', 'EXDATE:20260302T100000Z,20260303T100000Z'),
      /EXDATE/,
    ],
    [
      'a text that lost its fold',
      entry('DESCRIPTION:one', 'two, and three'),
      entry('DESCRIPTION:one\\ntwo\\, and three'),
      /joined to DESCRIPTION/,
    ],
    [
      'a text after which a colon follows',
      entry('DESCRIPTION:one', 'see there: two'),
      entry('DESCRIPTION:one\\nsee there: two'),
      /joined to DESCRIPTION/,
    ],
    ['an address that lost its fold', entry('URL:https://x/a', 'b'), entry('URL:https://x/ab'), /joined to URL/],
    [
      'several lines that lost their folds',
      entry('DESCRIPTION:one', 'two', 'https://x/a,b', 'three; four'),
      entry('DESCRIPTION:one\\ntwo\\nhttps://x/a\\,b\\nthree\\; four'),
      /joined to DESCRIPTION/,
    ],
    [
      'an alarm without its action',
      entry('BEGIN:VALARM', 'TRIGGER:-PT5M', 'END:VALARM'),
      entry('BEGIN:VALARM', 'ACTION:AUDIO', 'TRIGGER:-PT5M', 'END:VALARM'),
      /ACTION/,
    ],
    [
      'a name of a zone that lost its quotes',
      entry('DTEND;TZID=(UTC+01:00) Berlin, Rome:20260301T110000'),
      entry('DTEND;TZID="(UTC+01:00) Berlin, Rome":20260301T110000'),
      /TZID/,
    ],
    [
      'characters that XML cannot hold',
      entry('SUMMARY:non\ufffechar\uffff'),
      entry('SUMMARY:nonchar'),
      /control characters/,
    ],
    ['control characters', entry('SUMMARY:a\x0bb'), entry('SUMMARY:ab'), /control characters/],
    [
      'text that is not UTF-8',
      Buffer.from(entry('SUMMARY:Köln').toString(), 'latin1'),
      entry('SUMMARY:Köln'),
      /Windows-1252/,
    ],
  ])('mends %s with a note', (_, broken, wanted, note) => {
    const { body, notes } = repaired(broken);
    expect(body.toString()).toBe(wanted.toString());
    expect(notes).toEqual([expect.stringMatching(note)]);
    expect(digestCalendar(body)).not.toBe(digestCalendar(broken));
  });

  it('gives an entry without UID one that follows from its content, or that of its series', () => {
    const without = object(
      'BEGIN:VEVENT',
      'DTSTART:20260301T100000Z',
      'BEGIN:VALARM',
      'UID:alarm',
      'END:VALARM',
      'END:VEVENT',
    );
    expect(repaired(without).body.toString()).toMatch(/BEGIN:VEVENT\r\nUID:[0-9a-f]{32}\r\nDTSTART/);
    expect(repaired(without).body).toEqual(repaired(without).body);
    const half = object('BEGIN:VEVENT', 'UID:a', 'END:VEVENT', 'BEGIN:VEVENT', 'RECURRENCE-ID:20260301', 'END:VEVENT');
    expect(repaired(half).body.toString().match(/UID:a/g)).toHaveLength(2);
  });

  it('mends each entry by its own times', () => {
    const event = (...lines: string[]) => ['BEGIN:VEVENT', 'UID:a', ...lines, 'END:VEVENT'];
    const master = event('DTSTART;VALUE=DATE:20260301', 'RRULE:FREQ=DAILY', 'EXDATE;VALUE=DATE:20260305');
    const override = event('RECURRENCE-ID;VALUE=DATE:20260302', 'DTSTART:20260302T100000Z', 'DTEND:20260302T090000Z');
    const mended = repaired(object(...master, ...override)).body.toString();
    expect(mended).toBe(object(...master, ...override.filter((line) => !line.startsWith('DTEND'))).toString());
    expect(repaired(object(...override, ...master)).body.toString()).toContain('EXDATE;VALUE=DATE:20260305');
  });

  it('leaves what nobody can mend', () => {
    const noise = Buffer.from('END:VEVENT\nhello');
    expect(repaired(noise)).toEqual({ body: noise });
    expect(calendarProblem(repaired(noise).body)).toBeDefined();
  });

  it('is done after once, whatever it was given', () => {
    const lines = fc.constantFrom(
      ...HEAD,
      'BEGIN:VEVENT',
      'END:VEVENT',
      'END:VCALENDAR',
      'UID:a',
      'UID:',
      'DTSTART:20260301T100000Z',
      'DTSTART;VALUE=DATE:20260301',
      'DTEND:20260201T100000Z',
      'DURATION:PT1H',
      'EXDATE:20260302',
      'words',
      'SUMMARY:a,b',
      ' fold',
      'BEGIN:VALARM',
      'END:VALARM',
      'METHOD:ADD',
      'X\x01:\xff',
      'DTSTART;VALUE=DATE;TZID=a:20260301',
      'EXDATE;TZID=(a:b) c, d:20260302T100000',
      'SUMMARY:\xef\xbf\xbe',
      'see: b',
      '',
    );
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 14 }), fc.constantFrom('\n', '\r\n'), (chosen, end) => {
        const once = repaired(Buffer.from(chosen.join(end), 'latin1')).body;
        const twice = repaired(once);
        expect(twice.body).toBe(once);
        expect(twice.notes).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});

describe('withEscapedCommas', () => {
  it('escapes where vobject would cut, and nowhere else', () => {
    const place = 'X-APPLE-STRUCTURED-LOCATION;X-TITLE="a,b":geo:52.52,13.4';
    const body = entry(
      place,
      'ATTACH:https://x/a,b',
      'CATEGORIES:a,b',
      'EXDATE:20260302T100000Z,20260303T100000Z',
      'X-OK:a\\,b',
      // A zone of this name is none to vobject any more, and the series is refused.
      ...['BEGIN:VTIMEZONE', 'TZID:Berlin, Rome', 'END:VTIMEZONE'],
    );
    const safe = withEscapedCommas(body).body;
    expect(safe.toString()).toBe(body.toString().replace('52.52,13.4', '52.52\\,13.4'));
    expect(digestCalendar(safe)).toBe(digestCalendar(body));
    expect(withEscapedCommas(safe).body).toBe(safe);
  });

  it('says when nicknames become one', () => {
    const { body, notes } = withEscapedCommas(
      Buffer.from('BEGIN:VCARD\r\nVERSION:3.0\r\nN:A,B;C\r\nNICKNAME:a,b\r\nPHOTO;ENCODING=b:AA,\r\nEND:VCARD\r\n'),
    );
    expect(body.toString()).toContain('NICKNAME:a\\,b\r\n');
    expect(body.toString()).toContain('N:A,B;C\r\n');
    expect(notes).toEqual([expect.stringContaining('NICKNAME')]);
  });
});
