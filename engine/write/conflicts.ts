/** What stands in the way of an item is read, and what the spec says is done: nobody's edit is overwritten unseen. */
import type { Target, TargetRef } from '../../connectors/contract.js';
import type { OutcomeEntry } from '../../ledger/events.js';
import { writeOutcomes } from '../../ledger/events.js';
import { hashIdentity, namesakes } from '../../ledger/identities.js';
import { claimCopies, forgetGone, unclaimedByDigest } from '../../ledger/unclaimed.js';
import type { Conflict, Resolution } from '../decide/conflict.js';
import { resolveConflict, underItsName } from '../decide/conflict.js';
import type { Slice } from '../slice/slice.js';
import { scanContainer } from './bind.js';
import type { OpenDestination } from './destination.js';
import { readEach } from './each-alone.js';
import type { Edit } from './edits.js';
import { writeEdits } from './edits.js';
import { keepBoth } from './keep.js';
import type { Result } from './results.js';
import { commit, reasonOf, settle } from './results.js';
import { HIDDEN, unshown } from './shown.js';

/** A copy that changes so often while it is being replaced is left to its writer. */
const ROUNDS = 3;

export async function settleConflicts(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  conflicts: readonly Conflict[],
): Promise<void> {
  let open = await withRefs(slice, to, target, conflicts);
  for (let round = 1; open.length > 0; round++) {
    const copies = new Map<string, TargetRef>();
    const refs = [...new Set(open.map((conflict) => conflict.ref))].sort();
    const hidden = new Map<string, string>();
    for await (const copy of readEach(target, to.bound.target, refs, hidden, slice.signal)) copies.set(copy.ref, copy);
    const judged = open.map((conflict) => {
      const copy = copies.get(conflict.ref);
      const reason = round > ROUNDS ? RESTLESS : hidden.get(conflict.ref);
      const resolution: Resolution =
        reason === undefined ? resolveConflict(slice, conflict, copy) : { to: 'leave', outcome: 'conflict', reason };
      return { conflict, copy, resolution };
    });
    const takes = judged.flatMap(({ conflict, resolution }) => (resolution.to === 'take' ? [conflict.ref] : []));
    const unseen = await unshown(slice, target, to.bound.target, takes);
    await settleJudged(slice, to, judged, unseen);
    const edits: Edit[] = [];
    const anew: Result[] = [];
    for (const { conflict, copy, resolution } of judged) {
      if (!copy || (resolution.to !== 'replace' && resolution.to !== 'keep-both')) continue;
      if (resolution.to === 'keep-both') await keepBoth(slice, to.bound, target, copy);
      // Its name is free now.
      if (resolution.to === 'keep-both' && slice.rules.place === 'path')
        anew.push({ key: conflict.entry.item.key, todo: 'create', ref: null });
      else edits.push(replacing(slice, conflict, copy, resolution.reason));
    }
    await settle(slice, to.bound.id, anew);
    open = (await writeEdits(slice, to, target, edits)).map((conflict) => ({
      ...conflict,
      ref: conflict.ref as string,
    }));
  }
}

function replacing(slice: Slice, conflict: Found, copy: TargetRef, reason: string | undefined): Edit {
  const entry = underItsName(slice, conflict, copy);
  const first = conflict.by === 'path' && reason === undefined;
  return {
    entry,
    ref: conflict.ref,
    version: copy.version ?? '',
    first,
    ...(reason !== undefined && { reason }),
  };
}

type Found = Conflict & { readonly ref: string };

interface Judged {
  readonly conflict: Found;
  readonly copy: TargetRef | undefined;
  readonly resolution: Resolution;
}

const RESTLESS = 'the copy in the target changed each time it was to be replaced; it was left as it is';

/** Writes down the conflicts, and what needs no further write. */
async function settleJudged(
  slice: Slice,
  { bound }: OpenDestination,
  judged: readonly Judged[],
  unseen: ReadonlySet<string>,
): Promise<void> {
  const { input, pairing, other } = slice;
  const results = judged
    .flatMap((one) => settled(one, other !== undefined))
    .map((one): Result => {
      const hidden = one.outcome === 'verified' && typeof one.ref === 'string' && unseen.has(one.ref);
      return hidden ? { ...one, outcome: 'missing', reason: HIDDEN } : one;
    });
  const conflicts = judged.flatMap(({ conflict, resolution }): OutcomeEntry[] => {
    if (!('reason' in resolution) || resolution.reason === undefined || resolution.to === 'leave') return [];
    // What is carried back is a conflict of the other direction, which says so.
    if (resolution.to === 'yield' && other !== undefined) return [];
    return [{ container: bound.id, key: conflict.entry.item.key, what: 'conflict', reason: resolution.reason }];
  });
  // A copy that stays what it is stays unclaimed: a later edit of the item meets it again.
  const claimed = judged.flatMap(({ conflict, copy, resolution: { to } }) =>
    copy && conflict.by !== 'version' && (to === 'take' || to === 'replace' || to === 'keep-both')
      ? [conflict.ref]
      : [],
  );
  // What was removed there meanwhile would be met again and again.
  const gone = judged.flatMap(({ conflict, copy, resolution: { to } }) =>
    !copy && to === 'create' ? [conflict.ref] : [],
  );
  const entries = judged.map(({ conflict }) => conflict.entry);
  await commit(slice, { container: bound.id, bound, entries }, results, async (sql) => {
    await writeOutcomes(sql, input, conflicts);
    await claimCopies(sql, pairing.target, bound.targetKey, claimed);
    await forgetGone(sql, pairing.target, bound.targetKey, gone);
  });
}

function settled({ conflict, copy, resolution }: Judged, twoWay: boolean): Result[] {
  const { entry, ref, by } = conflict;
  const { key, meta } = entry.item;
  switch (resolution.to) {
    case 'take':
      return [
        {
          key,
          todo: null,
          outcome: 'verified',
          proof: 'readback',
          digest: entry.digest,
          ref,
          version: copy?.version ?? '',
          bytes: entry.bytes,
          base: meta,
          // Our own update whose answer was lost, or a copy that somebody made.
          made: by === 'version' ? 'updated' : 'adopted',
          ...reasonOf(entry.notes),
        },
      ];
    case 'create':
      return [{ key, todo: 'create', ref: null }];
    case 'yield': {
      const yielded = { key, todo: null, reason: resolution.reason } as const;
      return [
        twoWay
          ? { ...yielded, outcome: 'linked', reverse: { ref, what: 'update' } }
          : { ...yielded, outcome: 'skipped' },
      ];
    }
    case 'leave': {
      const left: Result = { key, todo: null, outcome: resolution.outcome, reason: resolution.reason };
      // Where both sides are kept in step, the other direction must not report it a second time.
      const linked = twoWay && copy && { ref, copy: { version: copy.version ?? '', digest: copy.digest } };
      return [{ ...left, ...linked }];
    }
    default:
      return [];
  }
}

/** Where the target did not say which copy is in the way, it is looked for. */
async function withRefs(
  slice: Slice,
  { bound }: OpenDestination,
  target: Target<unknown>,
  conflicts: readonly Conflict[],
): Promise<Found[]> {
  const nameless = conflicts.filter((conflict) => conflict.ref === undefined);
  const found = conflicts.flatMap((conflict) =>
    conflict.ref === undefined ? [] : [{ ...conflict, ref: conflict.ref }],
  );
  if (nameless.length === 0) return found;
  const { deps, pairing } = slice;
  await scanContainer(slice, target, bound);
  const lost: Result[] = [];
  for (const conflict of nameless) {
    const hashes = conflict.entry.identities.map(hashIdentity);
    const named = await namesakes(deps.ledger.pool, pairing.target, bound.targetKey, hashes);
    const equal = await unclaimedByDigest(deps.ledger.pool, pairing.target, bound.targetKey, [conflict.entry.digest]);
    const ref = named.find((one) => one.key === null)?.ref ?? equal[0]?.ref;
    if (ref) found.push({ ...conflict, ref });
    else lost.push({ key: conflict.entry.item.key, todo: null, outcome: 'refused', reason: ELSEWHERE });
  }
  await settle(slice, bound.id, lost);
  return found;
}

const ELSEWHERE =
  'the target says that it holds an item with this UID, but not in this collection; remove that one, then retry';
