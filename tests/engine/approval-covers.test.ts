/** What an approval covers is named, and nothing else happens by it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { removeFrom } from '../../connectors/memory/store.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { prepare } from '../../engine/run/open-run.js';
import type { SliceResult } from '../../engine/slice/slice.js';
import { specHash } from '../../schemas/hash.js';
import type { SelectionWithAccounts } from '../../schemas/spec.js';
import type { Covers } from '../../words/covers.js';
import { approve, end, park } from './gates.js';
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
const TEAM = ['Team'];
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);
const card = (n: number): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:u${n}`, `FN:u${n}`, 'END:VCARD', ''].join('\r\n'));

type Outcome = ClosedRun | SliceResult;
const coversOf = (result: Outcome): Covers => {
  if (!('covers' in result) || !result.covers) throw new Error(`${result.state} covers nothing`);
  return result.covers;
};

/** Twenty that were moved, and as many in another folder. */
async function moved(selection: Partial<SelectionWithAccounts> = {}, more?: readonly string[]): Promise<World> {
  const world = createWorld(server.ledger, {
    selection: { deletions: 'mirror', accounts: [{ from: 'anna', to: 'anna@new' }], ...selection },
  });
  const bytes = selection.kind === 'contacts' ? card : message;
  for (let n = 1; n <= 20; n++) world.from.put(INBOX, { bytes: bytes(n) });
  if (more) for (let n = 21; n <= 40; n++) world.from.put(more, { bytes: bytes(n) });
  await world.run();
  return world;
}
const toOf = ({ target }: World) => target.account('anna@new').folder(INBOX).messages;
const lose = (world: World, first: number, last: number): void => {
  for (let n = first; n <= last; n++) removeFrom(world.from.folder(INBOX), n);
};

describe('what an approval of deletions covers', () => {
  it('is named: the first ten, how many, from which system and whose account', async () => {
    const world = await moved();
    lose(world, 1, 12);

    const covers = coversOf(await world.run());

    expect(covers).toMatchObject({ items: 12, system: 'new', account: 'anna@new' });
    expect(covers.first).toHaveLength(10);
    expect(covers.first[0]).toMatchObject({ folder: 'INBOX', key: expect.any(String), bytes: message(1).length });
    expect(JSON.stringify(covers)).not.toMatch(/body|Subject/);
    await world.close();
  });

  it('names the source of the spec where the target lost them, in two-way', async () => {
    const world = await moved({ kind: 'contacts', mode: 'two-way' });
    for (let n = 1; n <= 5; n++) removeFrom(world.target.account('anna@new').folder(INBOX), n);

    const gate = await world.run();

    expect(gate).toMatchObject({ gate: 'approval', reason: expect.stringContaining('were deleted in new') });
    expect(gate).toMatchObject({ next: expect.stringContaining('deletes their copies in old') });
    expect(coversOf(gate)).toMatchObject({ items: 5, system: 'old', account: 'anna' });
    await world.close();
  });

  it('is the same for a migration that goes on in another execution of its workflow', async () => {
    const world = await moved();
    lose(world, 1, 5);
    const gate = await world.run({ request: 'a' });
    await park(world, gate);

    const hash = specHash(world.spec);
    const again = await prepare(
      world.deps,
      { name: world.spec.name, request: { id: 'a', reason: 'apply', spec: world.spec, specHash: hash } },
      new AbortController().signal,
    );

    expect(again.parked).toMatchObject([{ gate: 'approval', covers: coversOf(gate) }]);
    await world.close();
  });
});

describe('an approval of deletions', () => {
  it('removes exactly what was listed, after a crash between the approval and the removals too', async () => {
    const world = await moved();
    lose(world, 1, 5);
    const gate = await world.run({ request: 'a' });
    await park(world, gate);
    await approve(world, gate);
    let removed = 0;
    world.target.fault = ({ op, when }) => {
      if (op === 'remove' && when === 'before' && ++removed === 3) throw new Error('kill -9');
    };
    await expect(world.run({ request: 'a' })).rejects.toThrow('kill -9');
    world.target.fault = undefined;

    const closed = (await world.run({ request: 'a' })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done' });
    expect(toOf(world).size).toBe(15);
    await world.close();
  });

  it('of another list opens nothing: what waits by now is asked for anew', async () => {
    const world = await moved();
    lose(world, 1, 5);
    const shown = await world.run({ request: 'a' });
    await park(world, shown);
    // Somebody tries again meanwhile, and the source shows no folder at all.
    world.from.folders.clear();
    const waiting = await world.run({ request: 'a' });
    await park(world, waiting);

    await approve(world, shown);
    const asked = await world.run({ request: 'a' });

    expect(coversOf(waiting)).toMatchObject({ items: 20 });
    expect(asked).toMatchObject({ state: 'parked', gate: 'approval', covers: coversOf(waiting) });
    expect(toOf(world).size).toBe(20);
    await world.close();
  });

  it('that comes in the next run is for none of its gates, though the list is the same', async () => {
    const world = await moved();
    lose(world, 1, 5);
    const shown = await world.run();
    await park(world, shown);
    await end(world, 'cancelled');
    const next = await world.run({ request: 'next' });
    await park(world, next);

    await approve(world, shown);
    const asked = await world.run({ request: 'next' });

    expect(coversOf(next).token).not.toBe(coversOf(shown).token);
    expect(asked).toMatchObject({ state: 'parked', gate: 'approval' });
    expect(toOf(world).size).toBe(20);
    await world.close();
  });

  it('in one direction is none in the other', async () => {
    const world = await moved({ kind: 'contacts', mode: 'two-way' }, TEAM);
    for (let n = 1; n <= 5; n++) removeFrom(world.target.account('anna@new').folder(INBOX), n);
    await park(world, await world.run({ request: 'a' }));
    // Nobody approves these five. The run is tried again, and the source has lost a whole book.
    world.from.folders.delete(JSON.stringify(TEAM));
    const forth = await world.run({ request: 'a' });
    await park(world, forth);
    await approve(world, forth);

    const back = await world.run({ request: 'a' });

    expect(coversOf(forth)).toMatchObject({ items: 20, system: 'new' });
    expect(back).toMatchObject({ state: 'parked', gate: 'approval' });
    expect(coversOf(back)).toMatchObject({ items: 5, system: 'old' });
    expect(world.target.account('anna@new').folder(TEAM).messages.size).toBe(0);
    expect(world.from.folder(INBOX).messages.size).toBe(20);
    await world.close();
  });

  it('tries nothing again that failed, and lets no failures pass', async () => {
    const world = await moved({ maxFailures: 0 });
    lose(world, 1, 5);
    world.target.fault = ({ op, when }) => {
      if (op === 'create' && when === 'before') throw new Fault('refused', 'not today');
    };
    world.from.put(INBOX, { bytes: message(100) });
    const gate = await world.run({ request: 'a' });
    await park(world, gate);
    const tried = world.target.counts.create;
    await approve(world, gate);
    for (let n = 101; n <= 115; n++) world.from.put(['Later'], { bytes: message(n) });

    const next = await world.run({ request: 'a' });

    expect(gate).toMatchObject({ gate: 'approval' });
    expect(next).toMatchObject({ state: 'parked', gate: 'failures' });
    // The fifteen that are new, and not the one that had failed.
    expect(coversOf(next).items).toBe(16);
    expect(coversOf(next).token).not.toBe(coversOf(gate).token);
    expect(world.target.counts.create - tried).toBeLessThanOrEqual(15);
    await world.close();
  });
});

describe('what an approval of failures covers', () => {
  it('is named with the reasons, and how often there was each', async () => {
    const world = createWorld(server.ledger);
    for (let n = 1; n <= 30; n++) world.from.put(INBOX, { bytes: message(n) });
    world.target.fault = ({ op, when }) => {
      if (op === 'create' && when === 'before') throw new Fault('refused', 'not today');
    };

    const gate = await world.run({ request: 'a' });
    const covers = coversOf(gate);

    expect(gate).toMatchObject({ gate: 'failures' });
    expect(covers.items).toBeGreaterThan(10);
    expect(covers.first).toHaveLength(10);
    expect(covers.first[0]).toMatchObject({ folder: 'INBOX', reason: expect.stringContaining('not today') });
    expect(covers.causes).toEqual([{ reason: expect.stringContaining('not today'), items: covers.items }]);
    await world.close();
  });

  it('asks again when twice as many have failed: nobody has approved those', async () => {
    const world = createWorld(server.ledger, { settings: { batchItems: 10 } });
    for (let n = 1; n <= 100; n++) world.from.put(INBOX, { bytes: message(n) });
    world.target.fault = ({ op, when }) => {
      if (op === 'create' && when === 'before') throw new Fault('refused', 'not today');
    };
    const gate = await world.run({ request: 'a' });
    await park(world, gate);
    await approve(world, gate);

    const again = await world.run({ request: 'a' });
    const [first, second] = [coversOf(gate).items, coversOf(again).items];

    expect(again).toMatchObject({ gate: 'failures', reason: expect.stringContaining(`twice the ${first}`) });
    expect(second).toBeGreaterThan(2 * first);
    expect(second).toBeLessThan(100);
    await world.close();
  });
});
