/** No text holds a worker: what parses, mends and compares calendars and contacts takes time in proportion to its length. */
import { describe, expect, it } from 'vitest';
import { withEscapedCommas } from '../formats/icalendar/commas.js';
import { repaired as mendedCalendar } from '../formats/icalendar/repair.js';
import { splitCalendar } from '../formats/icalendar/split.js';
import { restoreScheduling, suppressScheduling } from '../formats/icalendar/suppress-scheduling.js';
import { withUid } from '../formats/icalendar/uid.js';
import { convertCard } from '../formats/vcard/convert.js';
import { repaired as mendedCard } from '../formats/vcard/repair.js';
import { splitCards } from '../formats/vcard/split.js';
import { withCardUid } from '../formats/vcard/uid.js';
import { calendarIdentities, calendarProblem, digestCalendar } from '../kinds/calendar.js';
import { contactIdentities, contactProblem, digestContact } from '../kinds/contacts.js';
import { calendarDigest1, contactDigest1 } from '../kinds/digest-1/digests.js';
import { fileProblem } from './well-formed.js';

/** About so many bytes; what is quadratic takes minutes for them, and what is linear a part of a second. */
const BYTES = 200_000;
const times = (text: string): string => text.repeat(Math.ceil(BYTES / text.length));
const event = (lines: string): string =>
  `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20200101T000000Z\r\n${lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
const card = (lines: string, version = '3.0'): string =>
  `BEGIN:VCARD\r\nVERSION:${version}\r\nFN:x\r\n${lines}\r\nEND:VCARD\r\n`;

const EVENTS: Readonly<Record<string, string>> = {
  'stray lines': event(`DESCRIPTION:x\r\n${times('stray line\r\n')}`),
  'stray lines behind an address': event(`URL:x\r\n${times('stray line\r\n')}`),
  folds: event(`DESCRIPTION:x${times('\r\n a')}`),
  'folds of nothing': event(`DESCRIPTION:x${times('\r\n ')}`),
  'carriage returns': event(`DESCRIPTION:x${times('\r')}y`),
  'control characters': event(`DESCRIPTION:${times('\x01\xff')}`),
  'halves of letters': event(`DESCRIPTION:${times('\xed\xa0\xbd')}`),
  'nested components': times('BEGIN:VALARM\r\n'),
  'components that never end': times('BEGIN:VEVENT\r\nDTSTART:20200101T000000Z\r\n'),
  'ends that nothing began': event(times('END:X\r\n')),
  alarms: event(times('BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n')),
  parameters: event(`X${times(';A=b')}:c`),
  'parameters without a colon': event(`X${times(';A=b')}`),
  quotes: event(`X;A=${times('"')}:c`),
  'quotes that are never closed': event(`X${times(';A="')}`),
  'addresses with quotes': event(`ORGANIZER:mailto:a@b\r\nATTENDEE${times(';X="a"')};SCHEDULE-AGENT=SERVER:mailto:b`),
  'addresses with a quote too many': event(
    `ORGANIZER:mailto:a@b\r\nATTENDEE${times(';X="a')};SCHEDULE-AGENT=SERVER:mailto:b`,
  ),
  agents: event(`ORGANIZER:mailto:a@b\r\nATTENDEE${times(';SCHEDULE-AGENT=SERVER')}:mailto:b`),
  attendees: event(`ORGANIZER:mailto:a@b\r\n${times('ATTENDEE:mailto:b\r\n')}`),
  backslashes: event(`SUMMARY:${times('\\')}`),
  commas: event(`SUMMARY:${times(',')}`),
  dates: event(`EXDATE:${times('20200101T000000Z,')}20200101T000000Z`),
  'blanks between dates': event(`EXDATE:20200102${times(' ')}x`),
  'a rule of many parts': event(`RRULE:${times('BYDAY=MO;')}FREQ=DAILY`),
  'a rule of blanks': event(`RRULE:${times(' ')}`),
  digits: event(`DURATION:P${times('1')}`),
  'a zone of slashes': event(`DTEND;TZID=/${times('A/')}:20200101T000000`),
  'a zone of commas': event(`DTEND;TZID=${times('A,')}:20200101T000000`),
  zones: times('BEGIN:VTIMEZONE\r\nTZID:a\r\nEND:VTIMEZONE\r\n'),
  'zones that differ': Array.from(
    { length: BYTES / 50 },
    (_, n) => `BEGIN:VTIMEZONE\r\nTZID:${n}\r\nEND:VTIMEZONE\r\n`,
  ).join(''),
  'one zone of many meanings': `BEGIN:VCALENDAR\r\n${Array.from({ length: BYTES / 50 }, (_, n) => `BEGIN:VTIMEZONE\r\nTZID:a\r\nX:${n}\r\nEND:VTIMEZONE\r\n`).join('')}END:VCALENDAR\r\n`,
  calendars: times(
    'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=a:20200101T000000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
  ),
  overrides: times('BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID;TZID=a:20200101T000000\r\nEND:VEVENT\r\n'),
  dots: event(`${times('a.')}:b`),
  semicolons: event(`X${times(';')}:b`),
};

const CARDS: Readonly<Record<string, string>> = {
  'stray lines': card(`NOTE:x\r\n${times('stray line\r\n')}`),
  'stray lines in 2.1': card(`NOTE:x\r\n${times('stray line\r\n')}`, '2.1'),
  'stray lines of an address': card(`ADR:x\r\n${times('stray line\r\n')}`),
  'soft line breaks': card(`NOTE;ENCODING=QUOTED-PRINTABLE:${times('a=\r\n')}b`, '2.1'),
  'soft line breaks with blanks': card(`NOTE;ENCODING=QUOTED-PRINTABLE:${times(`=${' '.repeat(200)}x`)}`, '2.1'),
  'blanks at the end': card(`NOTE;ENCODING=QUOTED-PRINTABLE:=${times(' ')}x`, '2.1'),
  'base64 in blocks': card(`PHOTO;ENCODING=BASE64:\r\n${times(`${'A'.repeat(70)}\r\n`)}\r\n`, '2.1'),
  'base64, folded': card(`PHOTO;ENCODING=b:${times(`${'A'.repeat(70)}\r\n `)}A`),
  'base64 of equal signs': card(`PHOTO;ENCODING=b:${times('=')}`),
  'a data URI of semicolons': card(`PHOTO:data:${times(';')}`),
  'a data URI of commas': card(`PHOTO:data:${times('a;base64')}`),
  semicolons: card(`X-A${times(';')}:QUOTED-PRINTABLE`),
  types: card(`TEL${times(';TYPE=a')}:1`),
  'bare types': card(`TEL${times(';HOME')}:1`),
  'character sets': card(`NOTE${times(';CHARSET=x')}:\xff`),
  agents: card(times('AGENT:\r\nBEGIN:VCARD\r\n'), '2.1'),
  cards: times('BEGIN:VCARD\r\n'),
  'cards that end': times('BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\n'),
  groups: card(times('a.TEL:1\r\n')),
  backslashes: card(`N:${times('\\')}`),
  'backslashes of 2.1': card(`N:${times('\\;')}`, '2.1'),
  'blanks before the colon': card(`N${times(' ')}:x`),
  'blanks in a telephone number': card(`TEL:+${times(' ')}(0)`),
  'brackets in a telephone number': card(`TEL:${times('+(0)')}`),
  labels: card(times('ADR:;;a\r\nLABEL:b\r\n')),
  preferences: card(times('TEL;PREF=2:1\r\n'), '4.0'),
  'carriage returns': card(`NOTE:x${times('\r')}y`),
};

async function* inChunks(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

/** Processor time of one call, in milliseconds. */
async function cost(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function drained(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

/** Quadratic work takes a hundred times as long for ten times the text: minutes, at this length. */
const MOST_MS = 3_000;

describe('a calendar object of', () => {
  const steps: Readonly<Record<string, (text: string, body: Buffer) => unknown>> = {
    split: (text) => drained(splitCalendar(inChunks(text))),
    sound: (_, body) => fileProblem(body, '.ics'),
    mended: (_, body) => mendedCalendar(body),
    digested: (_, body) => digestCalendar(body),
    'digested as version 1': (_, body) => calendarDigest1(body),
    suppressScheduling: (_, body) => restoreScheduling(suppressScheduling(body)),
    escaped: (_, body) => withEscapedCommas(body),
    judged: (_, body) => [calendarProblem(body), calendarIdentities(body, ['uid', 'summary']), withUid(body, 'x')],
  };

  it.each(Object.keys(EVENTS))('%s costs no more than its length', async (name) => {
    const text = EVENTS[name] as string;
    const body = Buffer.from(text, 'latin1');
    for (const [step, work] of Object.entries(steps)) {
      const took = await cost(() => work(text, body));
      expect([step, took < MOST_MS ? 'quick' : `${took} ms`]).toEqual([step, 'quick']);
    }
  });
});

describe('a card of', () => {
  const steps: Readonly<Record<string, (text: string, body: Buffer) => unknown>> = {
    split: (text) => drained(splitCards(inChunks(text))),
    sound: (_, body) => fileProblem(body, '.vcf'),
    mended: (_, body) => mendedCard(body),
    converted: (_, body) => [convertCard(body, '3.0'), convertCard(body, '4.0')],
    digested: (_, body) => digestContact(body),
    'digested as version 1': (_, body) => contactDigest1(body),
    escaped: (_, body) => withEscapedCommas(body),
    judged: (_, body) => [
      contactProblem(body),
      contactIdentities(body, ['uid', 'email', 'phone', 'name']),
      withCardUid(body, 'x'),
    ],
  };

  it.each(Object.keys(CARDS))('%s costs no more than its length', async (name) => {
    const text = CARDS[name] as string;
    const body = Buffer.from(text, 'latin1');
    for (const [step, work] of Object.entries(steps)) {
      const took = await cost(() => work(text, body));
      expect([step, took < MOST_MS ? 'quick' : `${took} ms`]).toEqual([step, 'quick']);
    }
  });
});
