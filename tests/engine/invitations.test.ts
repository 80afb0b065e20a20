/** An attendee's copy waits for the organiser's in another account: new or edited, the run ends. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setBytes } from '../../connectors/memory/store.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const meeting = (answer: string): Buffer =>
  Buffer.from(
    [
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//Test//EN',
      'BEGIN:VEVENT',
      'UID:meeting',
      'DTSTAMP:20260101T000000Z',
      'DTSTART:20300110T090000Z',
      'SUMMARY:Meeting',
      'ORGANIZER:mailto:anna@odd.example',
      `ATTENDEE;PARTSTAT=${answer}:mailto:bela@odd.example`,
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ].join('\r\n'),
  );

it('carries the edit of an attendee’s copy, and ends', async () => {
  const accounts = ['bela@odd.example', 'anna@odd.example'].map((name) => ({ from: name, to: name }));
  const world = createWorld(server.ledger, { selection: { kind: 'calendar', accounts } });
  const [bela, anna] = accounts.map(({ from }) => world.source.account(from));
  for (const account of [bela, anna]) account?.put(['Work'], { bytes: meeting('NEEDS-ACTION') });
  const first = await world.run();
  const folder = bela?.folder(['Work']);
  if (folder) setBytes(folder, [...folder.messages.keys()][0] as number, meeting('ACCEPTED'));

  const second = await world.run();

  expect(first).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, created: 2 } });
  expect(second).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, updated: 1 } });
  await world.close();
});
