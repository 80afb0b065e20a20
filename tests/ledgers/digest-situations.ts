/**
 * What the systems held when a ledger of `0.4/` was dumped: items with quoted and repeated parameters, whose digests are of
 * version 1. `make-digests.ts` proves that the engine of 0.4 had really written these.
 */
import { setBytes } from '../../connectors/memory/store.js';
import type { Situation } from './situations.js';
import { BOOK, TEAM } from './situations.js';

/** A meeting: parameters with commas, colons and semicolons in quotes, a zone with a comma, an alarm. */
export function meeting(uid: string, summary = 'Old'): Buffer {
  const zone = '(UTC+01:00) Amsterdam, Berlin';
  return text([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Old//EN',
    'BEGIN:VTIMEZONE',
    `TZID:${zone}`,
    'BEGIN:STANDARD',
    'DTSTART:16010101T000000',
    'TZOFFSETFROM:+0100',
    'TZOFFSETTO:+0100',
    'END:STANDARD',
    'END:VTIMEZONE',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    'DTSTAMP:20260101T000000Z',
    `DTSTART;TZID="${zone}":20260105T090000`,
    `DTEND;TZID="${zone}":20260105T100000`,
    `SUMMARY:${summary}\\, for all`,
    'ORGANIZER;SENT-BY="mailto:desk@old.example";CN="Doe; Jane":mailto:jane@old.example',
    'ATTENDEE;CN="Miller, Max";MEMBER="mailto:a@old.example","mailto:b@old.example":mailto:max@old.example',
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    'TRIGGER;RELATED=END:-PT5M',
    'DESCRIPTION:soon',
    'END:VALARM',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ]);
}

/** A contact with types, a label in quotes and parts. */
export function person(uid: string, note = 'Old'): Buffer {
  return text([
    'BEGIN:VCARD',
    'VERSION:4.0',
    `UID:${uid}`,
    `FN:${uid}`,
    'N:Doe;Jane,Ann;;;',
    'ADR;LABEL="Mr: X, 1 Street";TYPE=home,work:;;1 Street;Town;;;',
    'TEL;TYPE="home,voice";PREF=1:+49 30 1',
    'item1.EMAIL:jane@old.example',
    'item1.X-ABLabel:Desk',
    `NOTE:${note}`,
    'END:VCARD',
    '',
  ]);
}

const text = (lines: readonly string[]): Buffer => Buffer.from(lines.join('\r\n'));

/** Three meetings have moved. Of `two` the target held two copies: one was adopted, the other is a duplicate. */
export const settledMeetings: Situation = {
  name: 'digests-settled',
  options: { selection: { kind: 'calendar' } },
  build({ from, to }) {
    for (const uid of ['one', 'two', 'three']) from.put(TEAM, { bytes: meeting(uid) });
    for (const uid of ['two', 'two', 'one', 'three']) to.put(TEAM, { bytes: meeting(uid) });
  },
};

/** Two batches of two; when the process died one of the second had landed, and one had not. */
export const openMeetings: Situation = {
  name: 'digests-open-batch',
  options: { selection: { kind: 'calendar' }, settings: { batchItems: 2 } },
  build({ from, to }) {
    for (const uid of ['one', 'two', 'three', 'four']) from.put(TEAM, { bytes: meeting(uid) });
    for (const uid of ['one', 'two', 'three']) to.put(TEAM, { bytes: meeting(uid) });
  },
};

/** Two of three contacts had been edited in the source; when the process died one edit had landed. */
export const openEdits: Situation = {
  name: 'digests-open-update',
  options: { selection: { kind: 'contacts' } },
  build({ from, to }) {
    for (const account of [from, to])
      for (const uid of ['one', 'two', 'three']) account.put(BOOK, { bytes: person(uid) });
    setBytes(from.folder(BOOK), 1, person('one', 'New'));
    setBytes(from.folder(BOOK), 2, person('two', 'New'));
    setBytes(to.folder(BOOK), 1, person('one', 'New'));
  },
};

/** Two contacts came from the source, one from the target; both sides had settled. */
export const inStep: Situation = {
  name: 'digests-two-way',
  options: { selection: { kind: 'contacts', mode: 'two-way' } },
  build({ from, to }) {
    for (const uid of ['anna', 'bert']) from.put(BOOK, { bytes: person(uid) });
    to.put(BOOK, { bytes: person('cleo') });
    for (const uid of ['anna', 'bert']) to.put(BOOK, { bytes: person(uid) });
    from.put(BOOK, { bytes: person('cleo') });
  },
};
