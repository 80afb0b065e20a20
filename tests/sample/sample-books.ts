/** Writes a calendar and an address book as programs export them: one .ics, one .vcf. The same bytes each time. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from './random.js';

export interface Books {
  readonly events: number;
  readonly contacts: number;
  /** False when the files were there already. */
  readonly written: boolean;
}

export const DEMO_BOOKS = { seed: 20190301, events: 300, contacts: 200 } as const;

const GIVEN = ['Anna', 'Bert', 'Zoë', 'Đorđe', 'Σοφία', '美咲', 'Søren', 'Maria Luísa', 'Oleksandr', 'Ngọc'];
const FAMILY = ['Weber', 'O’Brien', 'Müller-Lüdenscheidt', 'Ćorić', '山田', 'van der Berg', 'Åkesson', 'Nguyễn'];
const TITLES = ['Planning', 'Jour fixe', 'Übergabe', 'Review', '1:1', 'Off-site', 'Démo', 'Retrospective'];

/** Synchronous: it is for set-up only. */
export function writeSampleBooks(folder: string, { seed, events, contacts } = DEMO_BOOKS): Books {
  const files = { calendar: join(folder, 'Team.ics'), contacts: join(folder, 'Colleagues.vcf') };
  if (existsSync(files.calendar) && existsSync(files.contacts)) return { events, contacts, written: false };
  mkdirSync(folder, { recursive: true });
  const random = createRandom(seed);
  const calendar = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Old Office//EN', 'X-WR-CALNAME:Team', ...BERLIN];
  for (let n = 0; n < events; n++) calendar.push(...event(n, random.pick(TITLES), n % 10 === 0));
  write(files.calendar, [...calendar, 'END:VCALENDAR']);
  const cards: string[] = [];
  for (let n = 0; n < contacts; n++) cards.push(...card(n, random.pick(GIVEN), random.pick(FAMILY)));
  write(files.contacts, cards);
  return { events, contacts, written: true };
}

function write(file: string, lines: readonly string[]): void {
  writeFileSync(`${file}.tmp`, `${lines.join('\r\n')}\r\n`);
  renameSync(`${file}.tmp`, file);
}

const BERLIN = [
  'BEGIN:VTIMEZONE',
  'TZID:Europe/Berlin',
  'BEGIN:DAYLIGHT',
  'DTSTART:19810329T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
  'END:DAYLIGHT',
  'BEGIN:STANDARD',
  'DTSTART:19961027T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
  'END:STANDARD',
  'END:VTIMEZONE',
];

/** An hour's meeting; a series has one occurrence that was moved and one that was left out. */
function event(n: number, title: string, series: boolean): string[] {
  const uid = `UID:demo-${n}@old.example`;
  const day = (offset: number): string =>
    new Date(Date.UTC(2026, 0, 5 + ((n * 3) % 330) + offset)).toISOString().slice(0, 10).replaceAll('-', '');
  const times = (on: string, hour: string): string[] => [
    `DTSTART;TZID=Europe/Berlin:${on}T${hour}0000`,
    `DTEND;TZID=Europe/Berlin:${on}T${hour}4500`,
  ];
  const wrapped = (lines: readonly string[]): string[] => [
    'BEGIN:VEVENT',
    uid,
    'DTSTAMP:20260101T080000Z',
    ...lines,
    `SUMMARY:${title} ${n}`,
    'END:VEVENT',
  ];
  if (!series) return wrapped(times(day(0), '10'));
  return [
    ...wrapped([...times(day(0), '09'), 'RRULE:FREQ=WEEKLY;COUNT=8', `EXDATE;TZID=Europe/Berlin:${day(14)}T090000`]),
    ...wrapped([`RECURRENCE-ID;TZID=Europe/Berlin:${day(7)}T090000`, ...times(day(8), '11')]),
  ];
}

function card(n: number, given: string, family: string): string[] {
  return [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `UID:demo-${n}`,
    `N:${family};${given};;;`,
    `FN:${given} ${family}`,
    `EMAIL;TYPE=INTERNET,WORK:person${n}@old.example`,
    `TEL;TYPE=CELL:+49 170 ${String(n).padStart(7, '0')}`,
    'END:VCARD',
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = 'sample/books'] = process.argv.slice(2);
  const { events, contacts, written } = writeSampleBooks(folder);
  console.log(`${folder}: ${events} events, ${contacts} contacts${written ? '' : ', there already'}`);
}
