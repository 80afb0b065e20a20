/** After a crash or a lost connection: what became of the writes whose answers never came? */
import type { Intent, Located } from '../../connectors/contract.js';
import type { BatchRow } from '../../ledger/batches.js';
import { openBatches, settleBatch } from '../../ledger/batches.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { listContainers } from '../../ledger/containers.js';
import { writeEvent, writeOutcomes } from '../../ledger/events.js';
import type { Settlement } from '../../ledger/items.js';
import { countTries, itemsByKey, knownRefs } from '../../ledger/items.js';
import type { Bound } from '../bind.js';
import { bindContainer } from '../bind.js';
import { pause } from '../connections.js';
import { eachAlone } from '../each-alone.js';
import type { Slice } from '../slice.js';
import { link } from './link.js';

/** An item in doubt so many times, the last time alone in its batch, is not tried again. */
export const MAX_TRIES = 3;

/**
 * Settles every batch left open. Runs before anything is written, under a lease that is ours: whoever opened the
 * batches has lost theirs, and the target's quiet time lets what is still on its way arrive.
 */
export async function recover(slice: Slice): Promise<void> {
  const batches = await openBatches(slice.deps.ledger, slice.pairing.id);
  if (batches.length === 0) return;
  await pause(slice.target.quietMs, slice.signal);
  const containers = new Map((await listContainers(slice.deps.ledger, slice.pairing.id)).map((row) => [row.id, row]));
  for (const batch of batches) {
    const row = containers.get(batch.container);
    if (!row) continue;
    if (batch.op === 'create' || batch.op === 'move') await locateBatch(slice, batch, row);
    // The others can be made again without harm: flag deltas, removals by reference, updates of a known version.
    else await giveBack(slice, batch, batch.keys);
  }
  const doubtful = batches.reduce((sum, batch) => sum + batch.keys.length, 0);
  await writeEvent(slice.deps.ledger.pool, slice.input, 'warn', 'located writes whose answers were lost', { doubtful });
}

async function locateBatch(slice: Slice, batch: BatchRow, row: ContainerRow): Promise<void> {
  const { deps, pairing, signal } = slice;
  const bound = await bindContainer(slice, slice.target, row);
  const known = await knownRefs(deps.ledger.pool, pairing.target, bound.targetKey, '');
  const intents = batch.keys.map((token, at) => {
    const path = batch.paths?.[at];
    return { token, digest: batch.digests[at] as string, ...(path !== undefined && { path }) };
  });
  const landed: Located[] = [];
  const absent: string[] = [];
  const find = (some: readonly Intent[]): AsyncIterable<Located> =>
    slice.target.locate(bound.target, some, batch.anchor, (ref) => known.has(ref), signal);
  for await (const located of locatedAll(find, intents)) {
    if (located.found === 'absent') absent.push(located.token);
    else landed.push(located);
  }
  await settleLocated(slice, batch, bound, landed);
  await giveBack(slice, batch, absent);
}

/** Apache shows nobody a `.htaccess`. Until all are located nothing of the unit can move. */
function locatedAll(
  find: (intents: readonly Intent[]) => AsyncIterable<Located>,
  intents: readonly Intent[],
): AsyncGenerator<Located> {
  const byToken = new Map(intents.map((intent) => [intent.token, intent]));
  return eachAlone(
    byToken,
    find,
    ({ token }) => token,
    (token, { message }) => {
      const reason = `whether it was written cannot be seen: ${message}; look at it in the target, then retry`;
      return { token, found: 'unsure', reason };
    },
  );
}

/**
 * Landed ones are to be verified; unsure ones are never written again by themselves. What can be edited is compared with
 * the source once more: it may have been edited there since the intent was written down.
 */
export async function settleLocated(
  slice: Slice,
  batch: BatchRow,
  bound: Bound,
  located: readonly Located[],
): Promise<void> {
  if (located.length === 0) return;
  const { deps, lease, input } = slice;
  const digests = new Map(batch.keys.map((key, at) => [key, batch.digests[at] as string]));
  const items = new Map(
    (
      await itemsByKey(
        deps.ledger.pool,
        batch.container,
        located.map((l) => l.token),
      )
    ).map((i) => [i.key, i]),
  );
  const settled = located.flatMap((l): Settlement[] => {
    const item = items.get(l.token);
    if (!item || l.found === 'absent') return [];
    const digest = digests.get(l.token) as string;
    return l.found === 'landed'
      ? [
          {
            key: l.token,
            todo: slice.rules.versioned ? 'update' : 'verify',
            outcome: 'arrived',
            ref: l.ref,
            digest,
            base: item.meta,
            made: 'created',
            ...versionOf(l),
          },
        ]
      : [{ key: l.token, todo: null, outcome: 'unsure', reason: deps.redact(l.reason), digest }];
  });
  const unsure = settled.filter((s) => s.outcome === 'unsure');
  await settleBatch(deps.ledger, lease, batch, settled, slice.run, async (sql) => {
    await writeOutcomes(
      sql,
      input,
      unsure.map((s) => ({ container: batch.container, key: s.key, what: 'unsure', reason: s.reason as string })),
    );
    const written = [...items.values()].map((item) => ({ item, bytes: item.bytes }));
    await link(sql, slice, bound, written, settled);
  });
  slice.tally.arrived += settled.length - unsure.length;
  slice.tally.failures += unsure.length;
}

function versionOf(located: { readonly version?: string }): { version?: string } {
  return located.version === undefined ? {} : { version: located.version };
}

/** Writes that did not land go back to what is to do, with one try counted, or are quarantined. */
async function giveBack(slice: Slice, batch: BatchRow, keys: readonly string[]): Promise<void> {
  const { deps, lease, input } = slice;
  const items = await itemsByKey(deps.ledger.pool, batch.container, keys);
  const poisonous = batch.blameless
    ? []
    : items.filter((item) => item.tries + 1 >= MAX_TRIES && batch.keys.length === 1);
  const reason = `quarantined: in doubt ${MAX_TRIES} times, the last time alone; each time the write ended without an answer`;
  await settleBatch(
    deps.ledger,
    lease,
    { ...batch, keys: [], digests: [] },
    poisonous.map((item) => ({ key: item.key, todo: null, outcome: 'quarantined', reason })),
    slice.run,
    async (sql) => {
      if (!batch.blameless) await countTries(sql, batch.container, keys);
      await writeOutcomes(
        sql,
        input,
        poisonous.map((item) => ({ container: batch.container, key: item.key, what: 'quarantined', reason })),
      );
    },
  );
  slice.tally.failures += poisonous.length;
}
