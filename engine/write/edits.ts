/** Edits: items that changed in the source replace their copies, unless somebody changed those too. */
import type { Target, Write, Written } from '../../connectors/contract.js';
import { renewDigests, settleUnchanged } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Conflict } from '../decide/conflict.js';
import type { Entry } from '../decide/fitting.js';
import { isUnchanged } from '../decide/unchanged.js';
import type { Slice } from '../slice/slice.js';
import { attempt, tokenOf } from './attempt.js';
import type { OpenDestination } from './destination.js';
import type { Result } from './results.js';
import { reasonOf, refusal } from './results.js';

/** An entry that replaces the copy `ref`, as long as that has the version. */
export interface Edit {
  readonly entry: Entry;
  readonly ref: string;
  readonly version: string;
  /** What the run's list says of it besides `updated`. */
  readonly reason?: string;
  /** A part of the item's first copy stands there: completing it counts as creating, not as updating. */
  readonly first?: boolean;
}

/** Settles what only has another version; sorts the others into edits and those whose copy must be read first. */
export async function sortEdits(
  slice: Slice,
  container: number,
  entries: readonly Entry[],
): Promise<{ readonly edits: readonly Edit[]; readonly conflicts: readonly Conflict[] }> {
  const { deps, lease } = slice;
  const same = entries.filter((entry) => isUnchanged(slice, entry));
  const settled = new Set(same);
  if (same.length > 0)
    await fenced(deps.ledger, lease, async (sql) => {
      const keys = same.map(({ item }) => item.key);
      await settleUnchanged(sql, container, keys);
      // By the rules of an earlier version it is the same: from now on the ledger has the digest of this one.
      const outdated = same.filter(({ item, digest }) => item.digest !== digest);
      await renewDigests(
        sql,
        container,
        outdated.map(({ item: { key }, digest }) => ({ key, digest })),
      );
    });
  const edits: Edit[] = [];
  const conflicts: Conflict[] = [];
  for (const entry of entries) {
    if (settled.has(entry)) continue;
    const { targetRef, targetVersion, outcome } = entry.item;
    const ref = targetRef as string;
    // A copy whose version we do not know, or that was in conflict before, is looked at before it is replaced.
    if (targetVersion && outcome !== 'conflict') edits.push({ entry, ref, version: targetVersion });
    else conflicts.push({ entry, ref, by: 'version' });
  }
  return { edits, conflicts };
}

/** Replaces copies. Returns those that had another version, or were gone: nothing was written over them. */
export async function writeEdits(
  slice: Slice,
  { bound }: OpenDestination,
  target: Target<unknown>,
  edits: readonly Edit[],
): Promise<Conflict[]> {
  if (edits.length === 0) return [];
  const byKey = new Map(edits.map((edit) => [edit.entry.item.key, edit]));
  const conflicts: Conflict[] = [];
  await attempt(slice, target, {
    op: 'update',
    bound,
    writes: edits.map(replacing),
    details: new Map(edits.map(({ entry, ref }) => [entry.item.key, { ref }])),
    entries: edits.map(({ entry }) => entry),
    settle(answer) {
      const edit = byKey.get(tokenOf(answer)) as Edit;
      if ('refused' in answer) return refusal(answer);
      if (!('conflicted' in answer)) return replaced(edit, answer);
      conflicts.push({ entry: edit.entry, ref: answer.ref ?? edit.ref, by: 'version' });
      return 'not-written';
    },
  });
  return conflicts;
}

function replacing({ entry, ref, version }: Edit): Write<unknown> {
  const { item, body, bytes, digest } = entry;
  return { op: 'update', token: item.key, ref, version, body, bytes, meta: item.meta, digest };
}

function replaced({ entry, ref, reason, first = false }: Edit, answer: Written): Result {
  return {
    key: answer.token,
    todo: 'verify',
    outcome: 'arrived',
    digest: entry.digest,
    ref: answer.ref ?? ref,
    version: answer.version ?? '',
    made: first ? 'created' : 'updated',
    bytes: entry.bytes,
    base: entry.uid === undefined ? (answer.meta ?? entry.item.meta) : { uid: entry.uid },
    ...reasonOf([...entry.notes, ...(answer.notes ?? [])]),
    ...(!first && { said: { what: 'updated', ...(reason !== undefined && { reason }) } }),
  };
}
