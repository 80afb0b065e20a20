/** Deletions: only when the spec mirrors them, and never more than a set share at once without approval. */
import type { TargetRef } from '../../connectors/contract.js';
import { excuseBatch, openBatch, settleBatch } from '../../ledger/batches.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { coveredContainers } from '../../ledger/containers.js';
import { writeOutcomes } from '../../ledger/events.js';
import type { Settlement } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import { askBack, unlinkBack } from '../../ledger/links.js';
import type { Removable } from '../../ledger/removals.js';
import { removable } from '../../ledger/removals.js';
import { changeUnit } from '../../ledger/units.js';
import type { Bound } from '../bind.js';
import { bindContainer } from '../bind.js';
import type { GateOpened } from '../gate-of.js';
import { coversPlace } from '../selecting.js';
import type { Slice, WorkResult } from '../slice.js';

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
  const { deps, lease, selection, unit, run } = slice;
  const covers = coversPlace(selection);
  const share = selection.maxDeletions ?? DEFAULT_MAX_DELETIONS;
  return fenced(deps.ledger, lease, async (sql) => {
    for (const row of rows) await removable.mark(sql, row.id, run, covers);
    const { marked, items } = await removable.count(sql, slice, run);
    if (marked <= share * items) return undefined;
    // An approval was for what is removed by now.
    const approved = unit.approved.filter((gate) => gate !== 'approval');
    await changeUnit(sql, unit.migration, unit.n, { approved });
    return {
      gate: 'approval',
      reason: `${marked} of ${items} items were deleted in the source, more than the ${Math.round(share * 100)} % that may go at once`,
      next: '`migrate approve` deletes them in the target too, `migrate cancel` leaves them there',
    };
  });
}

/** Returns false when the slice ended before the last. */
async function removeMarked(slice: Slice, rows: readonly ContainerRow[]): Promise<boolean> {
  for (const row of rows) {
    for (;;) {
      if (slice.ending()) return false;
      const items = await removable.next(slice.deps.ledger.pool, row.id, slice.run, PAGE);
      if (items.length === 0) break;
      await removePage(slice, row, items);
    }
  }
  return true;
}

async function removePage(slice: Slice, row: ContainerRow, items: readonly Removable[]): Promise<void> {
  const { deps, lease, input, signal } = slice;
  const bound = await bindContainer(slice, slice.target, row);
  const intent = {
    container: row.id,
    op: 'remove' as const,
    anchor: '',
    keys: items.map((i) => i.key),
    digests: items.map(() => ''),
  };
  const batch = { ...intent, blameless: true, id: await openBatch(deps.ledger, lease, intent) };
  const removed: string[] = [];
  const edited: string[] = [];
  const reasons = new Map<string, string>();
  const refused: Settlement[] = [];
  try {
    const { rules } = slice;
    const known = rules.versioned ? await versionsOf(slice, bound, items) : undefined;
    const writes = items.flatMap(({ key, ref }) => {
      const version = known?.versions.get(key);
      // What comes there from now on is not ours.
      if (known?.gone.has(key)) removed.push(key);
      else if (known && version === undefined) edited.push(key);
      else return [{ op: 'remove' as const, token: key, ref, ...(version !== undefined && { version }) }];
      return [];
    });
    slice.assertHeld();
    for await (const answer of slice.target.write(bound.target, writes, signal)) {
      if ('conflicted' in answer) {
        edited.push(answer.conflicted);
        if (rules.paths) reasons.set(answer.conflicted, answer.reason);
      } else if ('refused' in answer)
        refused.push({ key: answer.refused, todo: null, outcome: 'skipped', reason: deps.redact(answer.reason) });
      else removed.push(answer.token);
    }
  } catch (error) {
    await excuseBatch(deps.ledger, batch.id);
    throw error;
  }
  const kept =
    slice.other === undefined
      ? edited.map((key) => ({ ...EDITED, key, reason: reasons.get(key) ?? EDITED.reason }))
      : [];
  await settleBatch(
    deps.ledger,
    lease,
    { ...batch, keys: [], digests: [] },
    [...refused, ...kept],
    slice.run,
    async (sql) => {
      await removable.forget(sql, row.id, removed);
      if (slice.other !== undefined) {
        const refs = new Map(items.map((item) => [item.key, item.ref]));
        const refsOf = (keys: readonly string[]): string[] => keys.map((key) => refs.get(key) as string);
        await unlinkBack(sql, slice.other, bound.targetKey, refsOf(removed));
        // Going both ways an edit is worth more than a deletion: the other direction makes it anew.
        await askBack(sql, slice.other, bound.targetKey, refsOf(edited), 'create');
        await removable.forget(sql, row.id, edited);
      }
      await writeOutcomes(sql, input, [
        ...removed.map((key) => ({ container: row.id, key, what: 'removed' })),
        ...edited.map((key) => ({
          container: row.id,
          key,
          what: 'conflict',
          reason: reasons.get(key) ?? EDITED.reason,
        })),
        ...refused.map((s) => ({ container: row.id, key: s.key, what: 'skipped', reason: s.reason as string })),
      ]);
    },
  );
  slice.tally.items += removed.length;
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
    else if (copy.digest === digest && copy.version !== undefined) versions.set(key, copy.version);
  }
  return { versions, gone };
}
