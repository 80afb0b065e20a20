/** What became of new copies whose answers were lost: each is looked for behind the anchor that was taken before. */

import type { Known, Located } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { everyDigest, isOutdated } from '../../connectors/kinds/digest-version.js';
import { bringsName } from '../../connectors/kinds/traits.js';
import type { BatchRow, Intent, Op } from '../../ledger/batches.js';
import { leaveInDoubt } from '../../ledger/batches.js';
import { listContainers } from '../../ledger/containers.js';
import type { ItemRow } from '../../ledger/items.js';
import { itemsByKey } from '../../ledger/items.js';
import { claimCopies } from '../../ledger/unclaimed.js';
import { canonicalJson } from '../../schemas/hash.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import { ownedIn } from './bind.js';
import { eachAlone, readEach } from './each-alone.js';
import type { Result } from './results.js';
import { commit } from './results.js';

/** Settles what landed, and what cannot be told; returns the intents that are absent from the target. */
export async function locateBatch(slice: Slice, batch: BatchRow, bound: Bound): Promise<readonly Intent[]> {
  const { signal, target } = slice;
  const known = ownedIn(slice, bound.target);
  const byKey = new Map(batch.intents.map((intent) => [intent.key, intent]));
  const located: Located[] = [];
  const absent: Intent[] = [];
  const digests = await renewedDigests(slice, bound, batch.intents, known);
  const asked = batch.intents.map(({ key, digest, path }) => ({
    token: key,
    digest: digests.get(digest) ?? digest,
    ...(path !== undefined && { path }),
  }));
  // Apache shows nobody a `.htaccess`. Until all are located nothing of the unit can move.
  const answers = eachAlone(
    new Map(asked.map((intent) => [intent.token, intent])),
    (some) => target.locate(bound.target, some, batch.anchor, known, signal),
    ({ token }) => token,
    (token, { message }): Located => {
      const reason = `whether it was written cannot be seen: ${message}; look at it in the target, then retry`;
      return { token, found: 'unsure', reason };
    },
  );
  for await (const one of answers) {
    if (one.found === 'absent') absent.push(byKey.get(one.token) as Intent);
    else located.push(one);
  }
  const landed = new Set(located.flatMap(({ token, found }) => (found === 'landed' ? [token] : [])));
  const left = await halfMoved(
    slice,
    batch.intents.filter(({ key }) => landed.has(key)),
  );
  await settleLocated(
    slice,
    { ...batch, intents: batch.intents.map((intent) => left.get(intent.key) ?? intent) },
    bound,
    located,
  );
  return absent;
}

/**
 * Intents that an earlier version wrote down have digests of that version: those of copies that have landed are computed
 * anew from what stands there.
 */
async function renewedDigests(
  { rules, target, signal }: Slice,
  bound: Bound,
  intents: readonly Intent[],
  known: Known,
): Promise<ReadonlyMap<string, string>> {
  const renewed = new Map<string, string>();
  const outdated = new Set(intents.flatMap(({ digest }) => (isOutdated(rules, digest) ? [digest] : [])));
  if (outdated.size === 0) return renewed;
  for await (const { entries } of target.scan(bound.target, known, signal))
    for (const copy of entries)
      for (const digest of everyDigest(rules, copy)) if (outdated.has(digest)) renewed.set(digest, copy.digest);
  return renewed;
}

/**
 * Moves that landed and whose old copy stands there still: a server without MOVE copies first, and removes then. Such a
 * copy stays that of its row, which left the source. What stands under paths is moved in one step. By their keys.
 */
async function halfMoved(slice: Slice, moved: readonly Intent[]): Promise<ReadonlyMap<string, Intent>> {
  const { deps, pairing, target, signal, rules } = slice;
  const half = new Map<string, Intent>();
  const asked = moved.flatMap((intent) => {
    const { replaces } = intent.detail ?? {};
    return replaces && !bringsName(rules) ? [{ intent, replaces }] : [];
  });
  if (asked.length === 0) return half;
  const rows = new Map((await listContainers(deps.ledger, pairing.id)).map((row) => [row.id, row]));
  for (const { intent, replaces } of asked) {
    const { container, targetKey, ref } = replaces;
    const validity = rows.get(container)?.targetValidity ?? '';
    const at = { key: targetKey, path: [], validity, created: false, items: 0 };
    try {
      for await (const copy of readEach(target, at, [ref], new Map(), signal))
        if (copy.digest === intent.digest) half.set(intent.key, { ...intent, detail: {} });
    } catch (error) {
      // The folder that it left is another by now, or gone.
      if (!(error instanceof Fault && (error.code === 'conflict' || error.code === 'not-found'))) throw error;
    }
  }
  return half;
}

/** Landed ones are to be verified; unsure ones are never written again by themselves. The others stay in doubt. */
export async function settleLocated(
  slice: Slice,
  batch: BatchRow,
  bound: Bound,
  located: readonly Located[],
): Promise<void> {
  if (located.length === 0) return;
  const byKey = new Map(batch.intents.map((intent) => [intent.key, intent]));
  const tokens = located.map(({ token }) => token);
  const items = await itemsByKey(slice.deps.ledger.pool, batch.container, tokens);
  const rows = new Map(items.map((item) => [item.key, item]));
  const results = located.flatMap((one): Result[] => {
    const item = rows.get(one.token);
    if (!item || one.found === 'absent') return [];
    return [settled(slice, batch.op, byKey.get(one.token) as Intent, item, one)];
  });
  const done = new Set(tokens);
  const left = batch.intents.filter(({ key }) => !done.has(key));
  const entries = items.map((item) => ({ item, bytes: item.bytes }));
  const refs = located.flatMap((one) => (one.found === 'landed' ? [one.ref] : []));
  await commit(slice, { container: batch.container, bound, entries }, results, async (sql) => {
    // A scan may have seen them since: they are no strangers' for a twin to adopt.
    await claimCopies(sql, slice.pairing.target, bound.targetKey, refs);
    await leaveInDoubt(sql, batch.id, left);
  });
}

function settled(
  slice: Slice,
  op: Op,
  { key, digest, detail }: Intent,
  item: ItemRow,
  located: Exclude<Located, { found: 'absent' }>,
): Result {
  const replaces = detail?.replaces && { replaces: detail.replaces };
  if (located.found === 'unsure') return { key, todo: null, outcome: 'unsure', reason: located.reason, digest };
  const written = detail?.meta ?? item.meta;
  return {
    key,
    todo: afterLanding(slice, item, written),
    outcome: 'arrived',
    ref: located.ref,
    digest,
    base: written,
    ...(op === 'create' && { made: 'created' }),
    ...(op === 'move' && { made: 'moved' }),
    ...(located.version !== undefined && { version: located.version }),
    ...replaces,
  };
}

/**
 * What is left to do for a write that landed. The source may have changed since the intent was written down: content is
 * compared with it once more, flags are carried over. What is gone from the source is only proven.
 */
export function afterLanding({ rules }: Pick<Slice, 'rules'>, item: ItemRow, written: ItemRow['meta']): Result['todo'] {
  if (item.gone) return 'verify';
  if (rules.edits === 'content') return 'update';
  return canonicalJson(written) === canonicalJson(item.meta) ? 'verify' : 'meta';
}
