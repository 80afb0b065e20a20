import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import { removeFrom, setBytes, setFlags } from '../../connectors/memory/store.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { Story } from './crash-everywhere.js';
import { crashEverywhere } from './crash-everywhere.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

/** A first run, then a later run that meets every kind of change. */
const mail: Story = {
  options: { selection: { deletions: 'mirror', maxDeletions: 1 }, settings: { batchItems: 2 } },
  async tell(world, run) {
    const text = (n: number): Buffer => Buffer.from(`Message-ID: <same@x>\r\n\r\nbody ${n}\r\n`);
    const put = (folder: string, n: number) => world.from.put([folder], { bytes: text(n), flags: ['\\Flagged'] });
    world.to.put(['INBOX'], { bytes: text(2) });
    const messages = [1, 2, 2, 3, 4].map((n) => put('INBOX', n));
    put('Archive', 5);
    await run();
    const inbox = world.from.folder(['INBOX']);
    setFlags(inbox, messages[0]?.uid as number, ['\\Seen']);
    removeFrom(inbox, messages[3]?.uid as number);
    put('Archive', 3);
    removeFrom(inbox, messages[4]?.uid as number);
    put('INBOX', 6);
    await run();
  },
};

const BOOK = ['Team'];

function card(uid: string, note: string, day: number): Buffer {
  const rev = `202601${String(day).padStart(2, '0')}T000000Z`;
  const lines = ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, `NOTE:${note}`, `REV:${rev}`, 'END:VCARD'];
  return Buffer.from(`${lines.join('\r\n')}\r\n`);
}

function edit(account: MemoryAccount, uid: string, note: string, day: number): void {
  setBytes(account.folder(BOOK), uidOf(account, uid), card(uid, note, day));
}

function drop(account: MemoryAccount, uid: string): void {
  removeFrom(account.folder(BOOK), uidOf(account, uid));
}

function uidOf(account: MemoryAccount, uid: string): number {
  const found = [...account.folder(BOOK).messages.values()].find((m) => m.bytes.includes(`UID:${uid}\r\n`));
  if (!found) throw new Error(`there is no ${uid}`);
  return found.uid;
}

function contacts(selection: Story['options']['selection']): Story {
  return {
    options: {
      selection: { kind: 'contacts', deletions: 'mirror', maxDeletions: 1, ...selection },
      settings: { batchItems: 2 },
    },
    async tell(world, run) {
      for (const uid of ['anna', 'bert', 'cleo', 'dora', 'emil']) world.from.put(BOOK, { bytes: card(uid, 'one', 1) });
      world.to.put(BOOK, { bytes: card('anna', 'one', 1) });
      world.to.put(BOOK, { bytes: card('bert', 'other', 2) });
      await run();
      edit(world.from, 'anna', 'two', 3);
      edit(world.from, 'cleo', 'here', 3);
      edit(world.to, 'cleo', 'there', 4);
      drop(world.from, 'dora');
      world.from.put(BOOK, { bytes: card('fritz', 'new', 3) });
      if (selection?.mode === 'two-way') {
        drop(world.to, 'emil');
        edit(world.to, 'bert', 'three', 5);
        world.to.put(BOOK, { bytes: card('gina', 'new', 3) });
      }
      await run();
    },
  };
}

const organiser = 'ORGANIZER:mailto:cleo@old.example';

/** A series with an override; invitations by others wait for the rest (`rank`). */
function series(uid: string, summary: string, more: readonly string[] = []): Buffer {
  const entry = (lines: readonly string[]) => ['BEGIN:VEVENT', `UID:${uid}`, ...lines, ...more, 'END:VEVENT'];
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Old Office//EN',
    ...entry(['DTSTART:20260105T090000Z', 'RRULE:FREQ=WEEKLY;COUNT=4', `SUMMARY:${summary}`]),
    ...entry(['RECURRENCE-ID:20260112T090000Z', 'DTSTART:20260112T100000Z', `SUMMARY:${summary}, later`]),
    'END:VCALENDAR',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n`);
}

const events: Story = {
  options: {
    selection: { kind: 'calendar', deletions: 'mirror', maxDeletions: 1, onConflict: 'source' },
    settings: { batchItems: 2 },
  },
  async tell(world, run) {
    const change = (account: MemoryAccount, uid: string, body: Buffer): void => {
      setBytes(account.folder(BOOK), uidOf(account, uid), body);
    };
    const invitation = [organiser, 'ATTENDEE:mailto:anna@old.example'];
    world.from.put(BOOK, { bytes: series('a', 'invited', invitation) });
    for (const uid of ['b', 'c', 'd']) world.from.put(BOOK, { bytes: series(uid, 'one') });
    world.to.put(BOOK, { bytes: series('b', 'other') });
    world.to.put(BOOK, { bytes: series('c', 'one') });
    await run();
    change(world.from, 'a', series('a', 'put off', invitation));
    change(world.from, 'c', series('c', 'here'));
    change(world.to, 'c', series('c', 'there'));
    drop(world.from, 'd');
    world.from.put(BOOK, { bytes: series('e', 'new') });
    await run();
  },
};

const stories: Record<string, Story> = {
  mail,
  'events, the source wins': events,
  'contacts, both are kept': contacts({ onConflict: 'both' }),
  'contacts both ways, the newest wins': contacts({ mode: 'two-way', onConflict: 'newest' }),
};

for (const [name, story] of Object.entries(stories)) {
  it(`survives a crash at every write: ${name}`, async () => {
    expect(await crashEverywhere(server, story)).toBeGreaterThan(40);
  });
}
