/** Deletions: only when the spec mirrors them, and never more than a set share at once without approval. */
import type { TargetRef, Write } from '../../connectors/contract.js';
import { isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { coveredContainers } from '../../ledger/containers.js';
import type { Settlement } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Removable } from '../../ledger/removals.js';
import { removable } from '../../ledger/removals.js';
import { changeUnit } from '../../ledger/units.js';
import { coversPlace } from '../select/selecting.js';
import type { GateOpened } from '../slice/gate-of.js';
import type { Slice, WorkResult } from '../slice/slice.js';
import { attempt, tokenOf } from './attempt.js';
import type { Bound } from './bind.js';
import { bindContainer } from './bind.js';
import type { Result } from './results.js';
import { commit } from './results.js';

export const DEFAULT_MAX_DELETIONS = 0.1;
const PAGE = 500;

/**
 * Removes what the run has marked. An approval holds for what was marked when its gate opened: what became removable
 * since is within the share that may go, or opens the gate again.
 */
export async function remove(slice: Slice): Promise<WorkResult> {
  if (slice.selection.deletions !== 'mirror') return 'done';
  const rows = await coveredContainers(slice.deps.ledger, slice);
  if (slice.unit.approved.includes('approval') && !(await removeMarked(slice, rows))) return 'more';
  const gate = await markRemovable(slice, rows);
  if (gate) return gate;
  return (await removeMarked(slice, rows)) ? 'done' : 'more';
}

/** Marks and decides in one transaction: a crash in between must not leave marks that nobody was asked about. */
async function markRemovable(slice: Slice, rows: readonly ContainerRow[]): Promise<GateOpened | undefined> {
  const { deps, lease, selection, unit, run, other } = slice;
  const covers = coversPlace(selection);
  const share = selection.maxDeletions ?? DEFAULT_MAX_DELETIONS;
  return fenced(deps.ledger, lease, async (sql) => {
    for (const row of rows) await removable.mark(sql, row.id, run, covers);
    const { marked, items } = await removable.count(sql, slice, run);
    if (marked <= share * items) return undefined;
    // An approval was for what is removed by now.
    const approved = unit.approved.filter((gate) => gate !== 'approval');
    await changeUnit(sql, { ...unit, unit: unit.n }, { approved });
    // Whoever approves is shown these; what the other direction has marked in this run asks again.
    if (other !== undefined) await removable.unmark(sql, other, run);
    return {
      gate: 'approval',
      reason: `${marked} of ${items} items were deleted in the source, more than the ${Math.round(share * 100)} % that may go at once`,
      next: '`migrate approve` deletes their copies in the target too, `migrate cancel` leaves them there',
    };
  });
}

/** Returns false when the slice ended before the last. */
async function removeMarked(slice: Slice, rows: readonly ContainerRow[]): Promise<boolean> {
  for (const row of rows) {
    let bound: Bound | undefined;
    for (;;) {
      if (slice.ending()) return false;
      const items = await removable.next(slice.deps.ledger.pool, row.id, slice.run, PAGE);
      if (items.length === 0) break;
      if (bound) await removePage(slice, bound, items);
      // Their references may be others by now: under those of before stands what is to stay.
      else bound = await bindContainer(slice, slice.target, row);
    }
  }
  return true;
}

async function removePage(slice: Slice, bound: Bound, items: readonly Removable[]): Promise<void> {
  const known = slice.rules.edits === 'content' ? await versionsOf(slice, bound, items) : undefined;
  const refs = new Map(items.map(({ key, ref }) => [key, ref]));
  const without: Result[] = [];
  const writes = items.flatMap(({ key, ref }): Write<unknown>[] => {
    const version = known?.versions.get(key);
    // What comes there from now on is not ours.
    if (known?.gone.has(key)) without.push(removed(key, ref));
    else if (known && version === undefined) without.push(kept(slice, key, ref));
    else return [{ op: 'remove', token: key, ref, ...(version !== undefined && { version }) }];
    return [];
  });
  await commit(slice, { container: bound.id, bound }, without);
  if (writes.length === 0) return;
  await attempt(slice, slice.target, {
    op: 'remove',
    bound,
    writes,
    // By reference and version: repeating it does no harm.
    uncounted: true,
    settle(answer) {
      const key = tokenOf(answer);
      const ref = refs.get(key) as string;
      if ('refused' in answer) return { key, todo: null, outcome: 'skipped', reason: answer.reason };
      if ('conflicted' in answer)
        return kept(slice, key, ref, slice.rules.place === 'path' ? answer.reason : undefined);
      return removed(key, ref);
    },
  });
}

function removed(key: string, ref: string): Result {
  return { key, todo: null, dropped: true, said: { what: 'removed' }, reverse: { ref, what: 'forget' } };
}

/** Edited in the target. Going both ways an edit is worth more than a deletion: the other direction makes it anew. */
function kept({ other }: Slice, key: string, ref: string, reason: string = EDITED.reason): Result {
  const said = { what: 'conflict', reason };
  if (other === undefined) return { ...EDITED, key, reason, said };
  return { key, todo: null, dropped: true, said, reverse: { ref, what: 'create' } };
}

export const EDITED = {
  todo: null,
  outcome: 'skipped',
  reason: 'deleted in the source, edited in the target; the copy was kept',
} as const satisfies Omit<Settlement, 'key'>;

/**
 * The versions under which copies may be removed; none for those that are not what we wrote. Where a copy's version was
 * never told, it is read once, and may be gone.
 */
async function versionsOf(
  slice: Slice,
  bound: Bound,
  items: readonly Removable[],
): Promise<{ readonly versions: ReadonlyMap<string, string>; readonly gone: ReadonlySet<string> }> {
  const versions = new Map(items.flatMap(({ key, version }) => (version ? [[key, version] as const] : [])));
  const gone = new Set<string>();
  const unknown = items.filter((item) => !versions.has(item.key));
  if (unknown.length === 0) return { versions, gone };
  const there = new Map<string, TargetRef>();
  const refs = unknown.map((item) => item.ref).sort();
  for await (const copy of slice.target.readBack(bound.target, refs, slice.signal)) there.set(copy.ref, copy);
  for (const { key, ref, digest } of unknown) {
    const copy = there.get(ref);
    if (!copy) gone.add(key);
    else if (isDigestOf(slice.rules, copy, digest) && copy.version !== undefined) versions.set(key, copy.version);
  }
  return { versions, gone };
}
