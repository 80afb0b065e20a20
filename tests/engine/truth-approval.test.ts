/** An approval belongs to one run, one number, and the items that were counted for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { removeFrom } from '../../connectors/memory/store.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { approve, end, park, unitOf } from './gates.js';
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

const INBOX = ['INBOX'];
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);
const card = (n: number): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:u${n}`, `FN:u${n}`, 'END:VCARD', ''].join('\r\n'));

/** A source of twenty that was moved, and has lost its first `deleted` since. */
async function mirrored(deleted: number, kind: 'mail' | 'contacts' = 'mail'): Promise<World> {
  const world = createWorld(server.ledger, { selection: { kind, deletions: 'mirror' } });
  for (let n = 1; n <= 20; n++) world.from.put(INBOX, { bytes: kind === 'mail' ? message(n) : card(n) });
  await world.run();
  for (let n = 1; n <= deleted; n++) removeFrom(world.from.folder(INBOX), n);
  return world;
}

const inTarget = ({ to }: World): number => to.folder(INBOX).messages.size;

describe.each(['mail', 'contacts'] as const)('an approval of deletions of %s', (kind) => {
  it('removes what it counted, and nothing waits any more', async () => {
    const world = await mirrored(5, kind);
    const gate = await world.run({ request: 'a' });
    await park(world, gate);
    await approve(world);

    const closed = (await world.run({ request: 'a' })) as ClosedRun;

    expect(gate).toMatchObject({ state: 'parked', gate: 'approval', reason: expect.stringMatching(/^5 of 20 items/) });
    expect(closed).toMatchObject({ state: 'done', totals: { items: 15, removed: 5 } });
    expect(inTarget(world)).toBe(15);
    await world.close();
  });

  it('is void in the next run: a source that is empty by then asks again', async () => {
    const world = await mirrored(5, kind);
    await park(world, await world.run());
    await approve(world);
    await end(world, 'failed');
    for (const uid of [...world.from.folder(INBOX).messages.keys()]) removeFrom(world.from.folder(INBOX), uid);

    const next = await world.run();

    expect(next).toMatchObject({ state: 'parked', gate: 'approval', reason: expect.stringMatching(/^20 of 20 items/) });
    expect(inTarget(world)).toBe(20);
    await world.close();
  });
});

it('an approval is not needed twice for what was left by a slice of its run', async () => {
  const world = await mirrored(15, 'contacts');
  await park(world, await world.run({ request: 'a' }));
  await approve(world);
  let removed = 0;
  world.target.fault = ({ op, when }) => {
    if (op === 'remove' && when === 'before' && ++removed === 8) throw new Error('kill -9');
  };
  await expect(world.run({ request: 'a' })).rejects.toThrow('kill -9');
  world.target.fault = undefined;

  const closed = (await world.run({ request: 'a' })) as ClosedRun;

  expect(closed).toMatchObject({ state: 'done', totals: { items: 5 } });
  expect(inTarget(world)).toBe(5);
  await world.close();
});

describe('what is to be removed after an approval and was not counted for it', () => {
  it('opens the gate again, for it alone', async () => {
    const world = await mirrored(5);
    world.from.put(['Projects'], { bytes: message(100) });
    await park(world, await world.run({ request: 'a' }));
    await approve(world);
    // The source shows no folder at all while the unit goes on.
    world.from.folders.clear();

    const again = await world.run({ request: 'a' });
    await park(world, again);
    const retried = await world.run({ request: 'a' });

    expect(again).toMatchObject({
      state: 'parked',
      gate: 'approval',
      reason: expect.stringMatching(/^16 of 16 items/),
    });
    // To try again is not to approve.
    expect(retried).toMatchObject({ state: 'parked', gate: 'approval' });
    expect(inTarget(world)).toBe(15);
    await world.close();
  });

  it('stays where it came back to the source meanwhile', async () => {
    const world = await mirrored(0);
    const { folders } = world.from;
    const inbox = folders.get(JSON.stringify(INBOX));
    folders.clear();
    await park(world, await world.run({ request: 'a' }));
    folders.set(JSON.stringify(INBOX), inbox as never);
    await approve(world);

    const closed = (await world.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 20, verified: 20, removed: 0 } });
    expect(inTarget(world)).toBe(20);
    await world.close();
  });
});

describe('an approval of failures', () => {
  it('is void in the next run', async () => {
    const world = createWorld(server.ledger);
    for (let n = 1; n <= 40; n++) world.from.put(INBOX, { bytes: message(n) });
    world.target.fault = ({ op, when }) => {
      if (op === 'create' && when === 'before') throw new Fault('refused', 'not today');
    };
    await park(world, await world.run());
    await approve(world);
    await end(world, 'failed');
    for (let n = 41; n <= 60; n++) world.from.put(INBOX, { bytes: message(n) });

    const next = await world.run();

    expect(next).toMatchObject({ state: 'parked', gate: 'failures' });
    await world.close();
  });
});

describe('a unit that waits at a gate', () => {
  it.each(['cancelled', 'replaced'] as const)(
    'has it closed when the run is %s: later reports do not show it',
    async (state) => {
      const world = createWorld(server.ledger);
      world.from.put(INBOX, { bytes: message(1) });
      world.from.locked = 'the password expired';
      await park(world, await world.run());
      const { run } = await unitOf(world);
      const waiting = await reportOf(world, server.ledger);

      await end(world, state);
      const ended = await reportOf(world, server.ledger, run);
      world.from.locked = undefined;
      const closed = (await world.run()) as ClosedRun;

      expect(waiting.gates).toMatchObject([{ run, gate: 'credentials', closedBy: null }]);
      expect(ended.gates).toMatchObject([{ run, gate: 'credentials', closedBy: state }]);
      expect(closed.state).toBe('done');
      expect((await reportOf(world, server.ledger)).gates).toEqual([]);
      await world.close();
    },
  );

  it('has it closed by the next run where nobody ended the one before', async () => {
    const world = createWorld(server.ledger);
    world.from.put(INBOX, { bytes: message(1) });
    world.from.locked = 'the password expired';
    await park(world, await world.run());
    world.from.locked = undefined;

    const closed = (await world.run()) as ClosedRun;
    const { rows } = await server.ledger.pool.query<{ closed_by: string }>(
      'select closed_by from gate where migration = $1',
      [world.spec.name],
    );

    expect(closed.state).toBe('done');
    expect(rows).toEqual([{ closed_by: 'replaced' }]);
    await world.close();
  });
});
