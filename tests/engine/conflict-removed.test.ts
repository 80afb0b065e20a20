/** A conflict that a person settles by removing the copy that was in the way. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import { contents, ended } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const WORK = ['Work'];
const meeting = (summary: string): Buffer =>
  Buffer.from(
    [
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//Example//EN',
      'BEGIN:VEVENT',
      'UID:u1@example',
      'DTSTAMP:20260101T000000Z',
      'DTSTART:20260102T100000Z',
      `SUMMARY:${summary}`,
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ].join('\r\n'),
  );

it('is over: the item is written by the next run', async () => {
  const world = createWorld(server.ledger, { selection: { kind: 'calendar' } });
  world.from.put(WORK, { bytes: meeting('ours') });
  const theirs = world.to.put(WORK, { bytes: meeting('theirs') });
  expect(await ended(world)).toMatchObject({ state: 'failed', totals: { conflicts: 1 } });
  removeFrom(world.to.folder(WORK), theirs.uid);

  const closed = await ended(world);

  expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, failures: 0, conflicts: 0 } });
  expect(contents(world.to, WORK)).toEqual(contents(world.from, WORK));
  await world.close();
});
