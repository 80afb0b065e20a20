/** A system that asks to be left alone is left alone by the whole fleet, whatever was asked of it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { MemoryStore } from '../../connectors/memory/store.js';
import { removeFrom, setFlags } from '../../connectors/memory/store.js';
import { systemScope } from '../../engine/session/connections.js';
import type { SystemConfig } from '../../schemas/spec.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.clear();
  world = createWorld(server.ledger, { selection: { deletions: 'mirror', maxDeletions: 1 } });
});
afterEach(() => world.close());

/** An operation of the store that throttles, on which side, and whether a run must have been there before. */
const cases: readonly { what: string; op: string; side: 'source' | 'target'; again?: true }[] = [
  { what: 'the source lists its folders', op: 'containers', side: 'source' },
  { what: 'the source lists messages', op: 'list', side: 'source' },
  { what: 'the source is read', op: 'read', side: 'source' },
  { what: 'a folder of the target is opened', op: 'ensure', side: 'target' },
  { what: 'a message is created', op: 'create', side: 'target' },
  { what: 'what arrived is read back', op: 'readBack', side: 'target' },
  { what: 'flags are changed', op: 'meta', side: 'target', again: true },
  { what: 'a message is removed', op: 'remove', side: 'target', again: true },
];

it.each(cases)('throttled while $what, the system is left alone by all', async ({ op, side, again }) => {
  const kept = world.from.put(['INBOX'], { bytes: Buffer.from('a\r\n') });
  const removed = world.from.put(['INBOX'], { bytes: Buffer.from('b\r\n') });
  if (again) {
    await world.run();
    setFlags(world.from.folder(['INBOX']), kept.uid, ['\\Seen']);
    removeFrom(world.from.folder(['INBOX']), removed.uid);
  }
  throttle(world[side], op);

  await expect(world.run()).rejects.toMatchObject({ code: 'throttled', side });

  const { old: from, new: to } = { ...world.spec.sources, ...world.spec.targets };
  expect(await blocked()).toEqual([systemScope((side === 'source' ? from : to) as SystemConfig)]);
});

it('is left alone for an hour at most, whatever it asks for', async () => {
  world.from.put(['INBOX'], { bytes: Buffer.from('a\r\n') });
  throttle(world.source, 'list', 99_999_999_999_999);

  await expect(world.run()).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 3_600_000 });

  const { rows } = await server.ledger.pool.query<{ hours: number }>(
    'select extract(epoch from blocked_until - clock_timestamp())::float8 / 3600 as hours from budget where blocked_until is not null',
  );
  expect(rows).toEqual([{ hours: expect.closeTo(1, 1) }]);
});

it('is not left alone any longer once a person tries again', async () => {
  world.from.put(['INBOX'], { bytes: Buffer.from('a\r\n') });
  throttle(world.source, 'list', 3_600_000);
  await expect(world.run()).rejects.toMatchObject({ code: 'throttled' });
  world.source.fault = undefined;
  await expect(world.run()).rejects.toMatchObject({ code: 'throttled' });

  expect(await world.run({ reason: 'retry' })).toMatchObject({ state: 'done', counters: { verified: 1 } });
});

function throttle(store: MemoryStore, op: string, retryAfterMs = 60_000): void {
  store.fault = (event) => {
    if (event.op === op) throw new Fault('throttled', 'slow down', { retryAfterMs });
  };
}

/** The systems that nobody may call now. */
async function blocked(): Promise<readonly string[]> {
  const { rows } = await server.ledger.pool.query<{ scope: string }>(
    'select scope from budget where blocked_until > clock_timestamp()',
  );
  return rows.map(({ scope }) => scope);
}
