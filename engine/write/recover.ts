/** After a crash or a lost connection: what became of the writes whose answers never came? Each operation has its way. */
import { bringsName } from '../../connectors/kinds/traits.js';
import type { BatchRow, Intent, Op } from '../../ledger/batches.js';
import { leaveInDoubt, openBatches } from '../../ledger/batches.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { listContainers } from '../../ledger/containers.js';
import { doubt } from '../../ledger/doubts.js';
import { writeEvent } from '../../ledger/events.js';
import { countTries, itemsByKey, noteBroken, setBase } from '../../ledger/items.js';
import { doubtedBase } from '../decide/flags.js';
import { sleep } from '../session/connections.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import { bindContainer } from './bind.js';
import { locateBatch } from './locate.js';
import { recheckBatch } from './recheck.js';
import { rereadBatch } from './reread.js';
import type { Result } from './results.js';
import { commit } from './results.js';

/** An item in doubt so many times, the last time alone in its batch, is not tried again. */
export const MAX_TRIES = 3;

/** Settles what landed and returns the intents that did not: they are given back to what is to do. */
type Recovery = (slice: Slice, batch: BatchRow, bound: Bound) => Promise<readonly Intent[]>;

const RECOVERY: { readonly [op in Op]: Recovery } = {
  create: locateBatch,
  // Located under its new name, or in its new folder; the row it left is dropped with it.
  move: locateBatch,
  update: rereadBatch,
  meta: doubtFlags,
  // By reference, and under its version: what is removed already is removed.
  remove: recheckBatch,
  // Under a name that follows from its content: the conflict it belongs to is looked at again, and finds it.
  keep: async (_slice, { intents }) => intents,
  verify: async (_slice, { intents }) => intents,
};

/**
 * Settles every batch left open. Runs before anything is written, under a lease that is ours: whoever opened the
 * batches has lost theirs, and nothing of theirs can land any more once the quiet time has passed.
 */
export async function recover(slice: Slice): Promise<void> {
  const batches = await openBatches(slice.deps.ledger, slice.pairing.id);
  if (batches.length === 0) return;
  await sleep(Math.max(slice.target.quietMs, ...batches.map(({ quietMs }) => quietMs)), slice.signal);
  const containers = new Map((await listContainers(slice.deps.ledger, slice.pairing.id)).map((row) => [row.id, row]));
  for (const batch of batches) {
    const bound = await bindContainer(slice, slice.target, containers.get(batch.container) as ContainerRow);
    const left = await RECOVERY[batch.op](slice, batch, bound);
    await giveBack(slice, batch, left);
  }
  const doubtful = batches.reduce((sum, batch) => sum + batch.intents.length, 0);
  await writeEvent(slice.deps.ledger.pool, slice.input, 'warn', 'located writes whose answers were lost', { doubtful });
}

/** The flags are as they were, or as they were meant: both are remembered, and the next write sets each of them. */
async function doubtFlags(slice: Slice, { container, intents }: BatchRow): Promise<readonly Intent[]> {
  const { pool } = slice.deps.ledger;
  const keys = intents.map(({ key }) => key);
  const meant = new Map(intents.map(({ key, detail }) => [key, detail?.meta]));
  const bases = (await itemsByKey(pool, container, keys)).flatMap(({ key, base, meta }) => {
    return [{ key, base: doubtedBase(base ?? {}, meant.get(key) ?? meta) }];
  });
  await commit(slice, { container }, [], (sql) => setBase(sql, container, bases));
  return intents;
}

/** Writes that did not land go back to what is to do, with one try counted, or are quarantined. */
async function giveBack(slice: Slice, batch: BatchRow, intents: readonly Intent[]): Promise<void> {
  const { container, uncounted } = batch;
  const keys = intents.map(({ key }) => key);
  const items = await itemsByKey(slice.deps.ledger.pool, container, keys);
  const poisonous = uncounted || intents.length > 1 ? [] : items.filter(({ tries }) => tries + 1 >= MAX_TRIES);
  const quarantined = poisonous.map(({ key }): Result => {
    return { key, todo: null, outcome: 'quarantined', reason: givenUp(batch.words) };
  });
  await commit(slice, { container }, quarantined, async (sql) => {
    if (!uncounted) await countTries(sql, container, keys);
    // Where references are invented by the target, a copy that still appears is not met by the next write.
    if (batch.op === 'create' && !bringsName(slice.rules)) await doubt(sql, container, intents);
    // Under a path it is met: a part of what was sent may stand there.
    if (batch.op === 'create' && slice.rules.beginning) await noteBroken(sql, container, intents);
    await leaveInDoubt(sql, batch.id, []);
  });
}

function givenUp(words: string | null | undefined): string {
  const ends = words ? `; the last time: ${words}` : ', each time the write ended without an answer';
  return `quarantined: in doubt ${MAX_TRIES} times, the last time alone${ends}`;
}
