/** A write that recovery called absent lands after all, when the message was written again: two copies stand there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import { contents, dieAt, ended, expectQuiet, report } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const INBOX = ['INBOX'];
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

/** The first run's write of message 1 is still on a slow line when the process dies. */
async function underWay(): Promise<World> {
  const world = createWorld(server.ledger);
  for (const n of [1, 2]) world.from.put(INBOX, { bytes: message(n) });
  await dieAt(world, world.target, 'create', 'before');
  return world;
}

async function expectNamed(world: World): Promise<void> {
  const { verdict, exceptions } = await report(server.ledger, world);
  expect(verdict).toMatchObject({ complete: false, items: 2, verified: 1 });
  expect(exceptions).toHaveLength(1);
  expect(exceptions[0]?.reason).toMatch(/two copies|copies stand/i);
}

describe('a copy that appears late', () => {
  it.each([
    { which: 'the first', at: 0 },
    { which: 'the last', at: 1 },
  ])('is a failure, and named, until a person removes $which one and runs retry', async ({ at }) => {
    const world = await underWay();
    let landed = false;
    world.target.fault = ({ op, when }) => {
      if (op !== 'create' || when !== 'after' || landed) return;
      landed = true;
      world.to.put(INBOX, { bytes: message(1) });
    };

    const closed = await ended(world);
    world.target.fault = undefined;

    expect(closed).toMatchObject({ state: 'failed', totals: { items: 2, verified: 1, failures: 1 } });
    expect(contents(world.to, INBOX)).toHaveLength(3);
    await expectNamed(world);
    // Nothing settles it by itself, and nothing writes a third copy.
    expect(await ended(world)).toMatchObject({ state: 'failed', totals: { failures: 1 } });
    expect(await ended(world, { reason: 'verify' })).toMatchObject({ state: 'failed', totals: { failures: 1 } });
    await expectNamed(world);
    expect(contents(world.to, INBOX)).toHaveLength(3);
    const copies = [...world.to.folder(INBOX).messages.values()].filter(({ bytes }) => bytes.equals(message(1)));
    removeFrom(world.to.folder(INBOX), copies[at]?.uid as number);
    expect(await ended(world, { reason: 'retry' })).toMatchObject({
      state: 'done',
      totals: { items: 2, verified: 2, failures: 0, duplicates: 0 },
    });
    expect(contents(world.to, INBOX)).toEqual(contents(world.from, INBOX));
    await expectQuiet(world);
    await world.close();
  });

  it('is named where its message has moved to another folder since', async () => {
    const world = createWorld(server.ledger);
    const { uid } = world.from.put(INBOX, { bytes: message(1) });
    world.from.put(INBOX, { bytes: message(2) });
    world.from.folder(['Done']);
    await dieAt(world, world.target, 'create', 'before');
    await ended(world);
    removeFrom(world.from.folder(INBOX), uid);
    world.from.put(['Done'], { bytes: message(1) });
    expect(await ended(world)).toMatchObject({ state: 'done' });
    world.to.put(INBOX, { bytes: message(1) });

    const closed = await ended(world, { reason: 'verify' });

    expect(closed).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 1 } });
    await expectNamed(world);
    await world.close();
  });

  it('is named where the source renumbered the folder before it was looked for', async () => {
    const world = await underWay();
    world.from.renumber(INBOX);
    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 2, verified: 2 } });
    world.to.put(INBOX, { bytes: message(1) });

    const closed = await ended(world, { reason: 'verify' });

    expect(closed).toMatchObject({ state: 'failed', totals: { items: 2, verified: 1, failures: 1 } });
    await expectNamed(world);
    await world.close();
  });

  it('is found by verify where it lands after the run that wrote again has ended', async () => {
    const world = await underWay();
    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 2, verified: 2 } });
    world.to.put(INBOX, { bytes: message(1) });

    const closed = await ended(world, { reason: 'verify' });

    expect(closed).toMatchObject({ state: 'failed', totals: { items: 2, verified: 1, failures: 1 } });
    await expectNamed(world);
    await world.close();
  });

  it('is only a duplicate where nothing of ours was ever in doubt: a person may copy what they like', async () => {
    const world = createWorld(server.ledger);
    for (const n of [1, 2]) world.from.put(INBOX, { bytes: message(n) });
    await ended(world);
    world.to.put(INBOX, { bytes: message(1) });

    const closed = await ended(world, { reason: 'verify' });

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0, duplicates: 1 } });
    await world.close();
  });
});
