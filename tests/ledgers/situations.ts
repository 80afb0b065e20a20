/**
 * What the systems held at the moment when a ledger of this folder was dumped. The script that made the dumps proves that
 * the systems which version 0.3 had really written are these, down to numbers and versions.
 */
import { addTo, removeFrom, setBytes, setFlags } from '../../connectors/memory/store.js';
import type { Selection } from '../../schemas/spec.js';
import type { World, WorldOptions } from '../engine/world.js';

export interface Situation {
  /** Of the dump, and of the migration in it (`move-<name>`). */
  readonly name: string;
  readonly options: Pick<WorldOptions, 'selection' | 'settings'>;
  /** Fills both systems of a world that was just made. */
  build(world: World): void;
}

export const INBOX = ['INBOX'];
export const DONE = ['Done'];
export const BOOK = ['Book'];
export const TEAM = ['Team'];

export const message = (n: number | string): Buffer =>
  Buffer.from(`Message-ID: <${n}@old.example>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

export function card(uid: string, organisation = 'Old'): Buffer {
  const lines = ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, `ORG:${organisation}`, 'END:VCARD', ''];
  return Buffer.from(lines.join('\r\n'));
}

export function event(uid: string, summary: string): Buffer {
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Old//EN', 'BEGIN:VEVENT', `UID:${uid}`];
  const when = ['DTSTAMP:20260101T000000Z', 'DTSTART:20260105T090000Z', 'DTEND:20260105T100000Z'];
  return Buffer.from([...lines, ...when, `SUMMARY:${summary}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'));
}

const DATE = '2019-03-01T10:22:03+01:00';
const mail = (n: number | string) => ({ bytes: message(n), flags: Number(n) % 2 ? ['\\Seen'] : [], date: DATE });

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}

function situation(
  name: string,
  selection: Partial<Selection>,
  build: Situation['build'],
  batchItems = 200,
): Situation {
  return { name, options: { selection, settings: { batchItems } }, build };
}

/** Two batches of four; when the process died two of the second had landed, and two had not. */
export const openBatch = situation(
  'open-batch',
  {},
  ({ from, to }) => {
    for (const n of numbers(8)) from.put(INBOX, mail(n));
    for (const n of numbers(6)) to.put(INBOX, mail(n));
  },
  4,
);

/** Message 1 had left INBOX for Done in the source, and had just done so in the target. */
export const openMove = situation('open-move', {}, ({ from, to }) => {
  for (const { folder } of [from, to].map((account) => ({ folder: account.folder(INBOX) }))) {
    for (const n of [1, 2]) addTo(folder, mail(n));
  }
  for (const account of [from, to]) {
    account.folder(DONE);
    const left = removeFrom(account.folder(INBOX), 1);
    addTo(account.folder(DONE), left);
  }
});

/** Flags of both had changed in the source; when the process died one change had landed. */
export const openFlags = situation('open-flags', {}, ({ from, to }) => {
  for (const account of [from, to]) for (const n of [1, 2]) account.put(INBOX, mail(n));
  setFlags(from.folder(INBOX), 1, ['\\Flagged']);
  setFlags(from.folder(INBOX), 2, ['\\Flagged']);
  setFlags(to.folder(INBOX), 1, ['\\Flagged']);
});

/** Three messages had moved; two had come, and the source did not take the password any more. */
export const parkedCredentials = situation('parked-credentials', {}, ({ from, to }) => {
  for (const n of numbers(3)) from.put(INBOX, mail(n));
  for (const n of numbers(3)) to.put(INBOX, mail(n));
  for (const n of [4, 5]) from.put(INBOX, mail(n));
  from.locked = 'password expired';
});

/** Ten messages had moved; five of them had left the source, more than may be removed without asking. */
export const parkedApproval = situation(
  'parked-approval',
  { deletions: 'mirror', maxDeletions: 0.2 },
  ({ from, to }) => {
    for (const account of [from, to]) for (const n of numbers(10)) account.put(INBOX, mail(n));
    for (const uid of numbers(5)) removeFrom(from.folder(INBOX), uid);
  },
);

/** Two contacts came from the source, one from the target; both sides had settled. */
export const twoWay = situation('two-way', { kind: 'contacts', mode: 'two-way' }, ({ from, to }) => {
  for (const uid of ['anna', 'bert']) from.put(BOOK, { bytes: card(uid) });
  to.put(BOOK, { bytes: card('cleo') });
  for (const uid of ['anna', 'bert']) to.put(BOOK, { bytes: card(uid) });
  from.put(BOOK, { bytes: card('cleo') });
});

/** A and B hold the same two messages and become X, which held one copy of each: both claimed those. */
export const claimedTwice = situation('claimed-twice', { map: { folders: { A: 'X', B: 'X' } } }, ({ from, to }) => {
  for (const n of [1, 2]) for (const folder of ['A', 'B']) from.put([folder], mail(n));
  for (const n of [1, 2]) to.put(['X'], mail(n));
});

/** Two of three events had been edited in the source; when the process died one edit had landed. */
export const openUpdate = situation('open-update', { kind: 'calendar' }, ({ from, to }) => {
  for (const account of [from, to])
    for (const uid of ['one', 'two', 'three']) account.put(TEAM, { bytes: event(uid, 'Old') });
  setBytes(from.folder(TEAM), 1, event('one', 'New'));
  setBytes(from.folder(TEAM), 2, event('two', 'New'));
  setBytes(to.folder(TEAM), 1, event('one', 'New'));
});
