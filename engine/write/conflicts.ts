/** What stands in the way of an item is read, and what the spec says is done: nobody's edit is overwritten unseen. */
import type { Target, TargetRef } from '../../connectors/contract.js';
import type { OutcomeEntry } from '../../ledger/events.js';
import { writeOutcomes } from '../../ledger/events.js';
import { forgetGone, strays, takeStrays } from '../../ledger/found.js';
import { hashIdentity, namesakes } from '../../ledger/identities.js';
import type { Clash, Verdict } from '../decide/conflict.js';
import { judge, underItsName } from '../decide/conflict.js';
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

export async function settleClashes(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  clashes: readonly Clash[],
): Promise<void> {
  let open = await withRefs(slice, to, target, clashes);
  for (let round = 1; open.length > 0; round++) {
    const copies = new Map<string, TargetRef>();
    const refs = [...new Set(open.map((clash) => clash.ref))].sort();
    const hidden = new Map<string, string>();
    for await (const copy of readEach(target, to.bound.target, refs, hidden, slice.signal)) copies.set(copy.ref, copy);
    const judged = open.map((clash) => {
      const copy = copies.get(clash.ref);
      const conflict = round > ROUNDS ? RESTLESS : hidden.get(clash.ref);
      const verdict: Verdict =
        conflict === undefined ? judge(slice, clash, copy) : { to: 'leave', outcome: 'conflict', conflict };
      return { clash, copy, verdict };
    });
    const takes = judged.flatMap(({ clash, verdict }) => (verdict.to === 'take' ? [clash.ref] : []));
    const unseen = await unshown(slice, target, to.bound.target, takes);
    await settleJudged(slice, to, judged, unseen);
    const edits: Edit[] = [];
    const anew: Result[] = [];
    for (const { clash, copy, verdict } of judged) {
      if (!copy || (verdict.to !== 'replace' && verdict.to !== 'keep-both')) continue;
      if (verdict.to === 'keep-both') await keepBoth(slice, to.bound, target, copy);
      // Its name is free now.
      if (verdict.to === 'keep-both' && slice.rules.place === 'path')
        anew.push({ key: clash.entry.item.key, todo: 'create', ref: null });
      else edits.push(replacing(slice, clash, copy, verdict.conflict));
    }
    await settle(slice, to.bound.id, anew);
    open = (await writeEdits(slice, to, target, edits)).map((clash) => ({ ...clash, ref: clash.ref as string }));
  }
}

function replacing(slice: Slice, clash: Found, copy: TargetRef, conflict: string | undefined): Edit {
  const entry = underItsName(slice, clash, copy);
  const first = clash.by === 'path' && conflict === undefined;
  return {
    entry,
    ref: clash.ref,
    version: copy.version ?? '',
    first,
    ...(conflict !== undefined && { reason: conflict }),
  };
}

type Found = Clash & { readonly ref: string };

interface Judged {
  readonly clash: Found;
  readonly copy: TargetRef | undefined;
  readonly verdict: Verdict;
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
  const conflicts = judged.flatMap(({ clash, verdict }): OutcomeEntry[] => {
    if (!('conflict' in verdict) || verdict.conflict === undefined || verdict.to === 'leave') return [];
    // What is carried back is a conflict of the other direction, which says so.
    if (verdict.to === 'yield' && other !== undefined) return [];
    return [{ container: bound.id, key: clash.entry.item.key, what: 'conflict', reason: verdict.conflict }];
  });
  // A copy that stays what it is stays unclaimed: a later edit of the item meets it again.
  const claimed = judged.flatMap(({ clash, copy, verdict: { to } }) =>
    copy && clash.by !== 'version' && (to === 'take' || to === 'replace' || to === 'keep-both') ? [clash.ref] : [],
  );
  // What was removed there meanwhile would be met again and again.
  const gone = judged.flatMap(({ clash, copy, verdict: { to } }) => (!copy && to === 'create' ? [clash.ref] : []));
  const entries = judged.map(({ clash }) => clash.entry);
  await commit(slice, { container: bound.id, bound, entries }, results, async (sql) => {
    await writeOutcomes(sql, input, conflicts);
    await takeStrays(sql, pairing.target, bound.targetKey, claimed);
    await forgetGone(sql, pairing.target, bound.targetKey, gone);
  });
}

function settled({ clash, copy, verdict }: Judged, twoWay: boolean): Result[] {
  const { entry, ref, by } = clash;
  const { key, meta } = entry.item;
  switch (verdict.to) {
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
      const yielded = { key, todo: null, reason: verdict.conflict } as const;
      return [
        twoWay ? { ...yielded, outcome: 'linked', back: { ref, what: 'update' } } : { ...yielded, outcome: 'skipped' },
      ];
    }
    case 'leave': {
      const left: Result = { key, todo: null, outcome: verdict.outcome, reason: verdict.conflict };
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
  clashes: readonly Clash[],
): Promise<Found[]> {
  const nameless = clashes.filter((clash) => clash.ref === undefined);
  const found = clashes.flatMap((clash) => (clash.ref === undefined ? [] : [{ ...clash, ref: clash.ref }]));
  if (nameless.length === 0) return found;
  const { deps, pairing } = slice;
  await scanContainer(slice, target, bound);
  const lost: Result[] = [];
  for (const clash of nameless) {
    const hashes = clash.entry.identities.map(hashIdentity);
    const named = await namesakes(deps.ledger.pool, pairing.target, bound.targetKey, hashes);
    const equal = await strays(deps.ledger.pool, pairing.target, bound.targetKey, [clash.entry.digest]);
    const ref = named.find((one) => one.key === null)?.ref ?? equal[0]?.ref;
    if (ref) found.push({ ...clash, ref });
    else lost.push({ key: clash.entry.item.key, todo: null, outcome: 'refused', reason: ELSEWHERE });
  }
  await settle(slice, bound.id, lost);
  return found;
}

const ELSEWHERE =
  'the target says that it holds an item with this UID, but not in this collection; remove that one, then retry';
