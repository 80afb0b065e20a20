/** `migrate retry` and `migrate verify` of what goes both ways: each item in the direction that wrote it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const BOOK = ['Book'];
const card = (uid: string, ...lines: string[]): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, ...lines, 'END:VCARD', ''].join('\r\n'));

/** Two books with one contact each, before they are kept in step. */
function twoBooks(): World {
  const world = createWorld(server.ledger, { selection: { kind: 'contacts', mode: 'two-way' } });
  world.from.put(BOOK, { bytes: card('anna') });
  world.to.put(BOOK, { bytes: card('bert') });
  return world;
}

/** A disk that changes content without anybody having written: the version stays. */
function damage(account: MemoryAccount, uid: string): void {
  const { messages } = account.folder(BOOK);
  const found = [...messages.values()].find((m) => m.bytes.includes(`UID:${uid}\r\n`));
  if (!found) throw new Error(`there is no ${uid}`);
  messages.set(found.uid, { ...found, bytes: card(uid, 'NOTE:damaged') });
}

it('retry makes again what was refused on the way back', async () => {
  const world = twoBooks();
  world.source.fault = ({ op, when }) => {
    if (op === 'create' && when === 'before') throw new Fault('refused', 'not today');
  };
  const first = (await world.run()) as ClosedRun;
  world.source.fault = undefined;

  const retried = (await world.run({ reason: 'retry' })) as ClosedRun;

  expect(first).toMatchObject({ state: 'failed', totals: { failures: 1 } });
  expect(retried).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0 } });
  expect(world.from.folder(BOOK).messages.size).toBe(2);
  await world.close();
});

it('says what failed as seen from the spec, on the way back too', async () => {
  const world = twoBooks();
  world.source.fault = ({ op, when }) => {
    if (op === 'create' && when === 'before') throw new Fault('refused', 'look at it in the source');
  };
  const { reason } = (await world.run()) as ClosedRun;
  expect(reason).toContain('1 item: look at it in the target');
  await world.close();
});

it('verify reads what either direction wrote, each item once', async () => {
  const world = twoBooks();
  await world.run();
  world.source.resetCounts();
  world.target.resetCounts();

  const verified = (await world.run({ reason: 'verify' })) as ClosedRun;

  expect(verified).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, changed: 0 } });
  expect([world.source.counts.readBack, world.target.counts.readBack]).toEqual([1, 1]);
  expect((await reportOf(world, server.ledger)).verdict).toMatchObject({ complete: true, items: 2, verified: 2 });
  await world.close();
});

it('verify names a copy that was damaged, on either side', async () => {
  const world = twoBooks();
  await world.run();
  damage(world.to, 'anna');
  damage(world.from, 'bert');

  const verified = (await world.run({ reason: 'verify' })) as ClosedRun;
  const { rows } = await reportOf(world, server.ledger);

  expect(verified).toMatchObject({ state: 'failed', totals: { items: 2, verified: 0, failures: 2 } });
  expect(rows.map((row) => [row.direction, row.outcome])).toEqual([
    ['forth', 'altered'],
    ['back', 'altered'],
  ]);
  await world.close();
});
