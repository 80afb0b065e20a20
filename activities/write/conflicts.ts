/**
 * Conflicts: the target holds something else than the source's item would replace. The copy is read, and either it says
 * the same after all, or the spec's `onConflict` decides. Every conflict is written down, whoever wins.
 */
import type { Target, TargetContainer, TargetRef } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { OutcomeEntry } from '../../ledger/events.js';
import { writeOutcomes } from '../../ledger/events.js';
import { strays, takeStrays } from '../../ledger/found.js';
import { hashIdentity, namesakes } from '../../ledger/identities.js';
import type { Settlement } from '../../ledger/items.js';
import { knownRefs, settleItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import { askBack, stageBack } from '../../ledger/links.js';
import type { OnConflict } from '../../schemas/spec.js';
import { scanContainer } from '../bind.js';
import type { Entry } from '../decide/fitting.js';
import type { OpenDestination } from '../destination.js';
import { eachAlone } from '../each-alone.js';
import { keepAside } from '../files/keep-aside.js';
import type { Slice } from '../slice.js';
import type { Edit } from './edits.js';
import { writeEdits } from './edits.js';
import { link } from './link.js';
import { exceptions, reasonOf } from './settle.js';

/** An entry that met a copy it did not expect. */
export interface Clash {
  readonly entry: Entry;
  /** The copy; undefined where the target did not tell which. */
  readonly ref: string | undefined;
  /** `version`: our own copy was changed. Else what both have in common: `uid`, `email` … */
  readonly by: string;
}

export type Verdict =
  /** It says what the source says. */
  | { readonly to: 'take' }
  | { readonly to: 'replace'; readonly conflict?: string }
  /** The copy is gone: the item is made anew. */
  | { readonly to: 'create'; readonly conflict?: string }
  | { readonly to: 'keep-both'; readonly conflict: string }
  /** The copy stays, and where both sides are kept in step it is carried back. */
  | { readonly to: 'yield'; readonly conflict: string }
  | { readonly to: 'leave'; readonly outcome: 'conflict' | 'skipped'; readonly conflict: string };

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
    await settle(slice, to, judged);
    const edits: Edit[] = [];
    const anew: Settlement[] = [];
    for (const { clash, copy, verdict } of judged) {
      if (!copy || (verdict.to !== 'replace' && verdict.to !== 'keep-both')) continue;
      if (verdict.to === 'keep-both') await keepCopy(slice, to, target, copy);
      if (verdict.to === 'keep-both' && slice.rules.paths) {
        // Its name is free now.
        anew.push({ key: clash.entry.item.key, todo: 'create', ref: null });
        continue;
      }
      edits.push({
        entry: underItsName(slice, clash, copy),
        ref: clash.ref,
        version: copy.version ?? '',
        ...reasonOf(verdict.conflict ? [verdict.conflict] : []),
      });
    }
    if (anew.length > 0) {
      await fenced(slice.deps.ledger, slice.lease, (sql) => settleItems(sql, to.bound.id, anew, slice.run));
    }
    open = (await writeEdits(slice, to, target, edits)).map((clash) => ({ ...clash, ref: clash.ref as string }));
  }
}

/** The copies that the target lets be read; why it lets others not goes into `hidden`, by their references. */
export function readEach(
  target: Target<unknown>,
  container: TargetContainer,
  refs: readonly string[],
  hidden: Map<string, string>,
  signal: AbortSignal,
): AsyncGenerator<TargetRef> {
  return eachAlone(
    new Map(refs.map((ref) => [ref, ref])),
    (some) => target.readBack(container, some, signal),
    ({ ref }) => ref,
    (ref, { message }) => {
      hidden.set(ref, `what stands there may not be read: ${message}`);
      return undefined;
    },
  );
}

type Found = Clash & { readonly ref: string };

interface Judged {
  readonly clash: Found;
  readonly copy: TargetRef | undefined;
  readonly verdict: Verdict;
}

const RESTLESS = 'the copy in the target changed each time it was to be replaced; it was left as it is';

/** What a verdict depends on beside the two sides themselves. */
export type Bench = Pick<Slice, 'selection' | 'other' | 'rules'>;

/** Which of the two sides stays, and what is said of it. */
export function judge(slice: Bench, { entry, by }: Clash, copy: TargetRef | undefined): Verdict {
  const { item, digest } = entry;
  const policy = slice.selection.onConflict ?? 'skip';
  const twoWay = slice.other !== undefined;
  if (!copy && by === 'path') {
    // Of the same path and another type: a folder where a file is to be, or the other way round.
    return { to: 'leave', outcome: 'conflict', conflict: 'something of another type stands there in the target' };
  }
  if (!copy) {
    const conflict = 'edited in the source, deleted in the target';
    // Going both ways an edit is worth more than a deletion; else deleting it was a person's decision.
    if (twoWay || by !== 'version' || (policy !== 'skip' && policy !== 'target')) return { to: 'create', conflict };
    return { to: 'leave', outcome: policy === 'skip' ? 'conflict' : 'skipped', conflict };
  }
  if (copy.digest === digest) return { to: 'take' };
  // The copy is as we left it: only its version was renewed.
  if (by === 'version' && copy.digest === item.digest) return { to: 'replace' };
  if (by === 'version' && item.digest === digest) {
    const conflict = 'edited in the target only';
    return twoWay ? { to: 'yield', conflict } : { to: 'leave', outcome: 'skipped', conflict };
  }
  const conflict =
    by === 'version' ? 'edited on both sides' : `the target holds another with the same ${by === 'uid' ? 'UID' : by}`;
  return decide(policy, slice, entry, copy, conflict, by);
}

function decide(
  policy: OnConflict,
  slice: Bench,
  entry: Entry,
  copy: TargetRef,
  conflict: string,
  by: string,
): Verdict {
  switch (policy) {
    case 'source':
      return { to: 'replace', conflict: `${conflict}; the source won` };
    case 'target':
      return { to: 'yield', conflict: `${conflict}; the target won` };
    case 'newest': {
      const ours = slice.rules.versioned?.modified(entry.body);
      const theirs = slice.rules.versioned?.modified(copy.body);
      if (ours === undefined || theirs === undefined || ours === theirs) {
        return { to: 'leave', outcome: 'conflict', conflict: `${conflict}; which is newer cannot be told` };
      }
      return ours > theirs
        ? { to: 'replace', conflict: `${conflict}; the source is newer and won` }
        : { to: 'yield', conflict: `${conflict}; the target is newer and won` };
    }
    case 'both':
      return { to: 'keep-both', conflict: `${conflict}; both were kept` };
    case 'skip':
      // That two contacts share an address is what `match` was asked to look for: no failure.
      return {
        to: 'leave',
        outcome: by === 'version' || by === 'uid' || by === 'path' ? 'conflict' : 'skipped',
        conflict,
      };
    default:
      return policy satisfies never;
  }
}

/** What was found by something else than its UID replaces the copy under the copy's own: servers let no UID change. */
function underItsName({ rules }: Slice, { entry, by }: Clash, copy: TargetRef): Entry {
  const { versioned } = rules;
  const uid = versioned?.identities(copy.body, ['uid'])[0]?.slice('uid:'.length);
  if (!versioned || by === 'version' || by === 'uid' || uid === undefined) return entry;
  const body = versioned.named(entry.body, uid);
  return { ...entry, body, bytes: rules.size(body), digest: rules.digest(body), uid };
}

/** Writes down what needs no further write. */
async function settle(slice: Slice, { bound }: OpenDestination, judged: readonly Judged[]): Promise<void> {
  const { deps, lease, input, pairing } = slice;
  const settled: Settlement[] = [];
  const happened: OutcomeEntry[] = [];
  const taken: string[] = [];
  const carried: string[] = [];
  for (const { clash, copy, verdict } of judged) {
    const { key } = clash.entry.item;
    const conflict = 'conflict' in verdict ? verdict.conflict : undefined;
    // What is carried back is a conflict of the other direction, which says so.
    const told = verdict.to === 'leave' || (verdict.to === 'yield' && slice.other !== undefined);
    if (conflict !== undefined && !told) {
      happened.push({ container: bound.id, key, what: 'conflict', reason: conflict });
    }
    // A copy that stays what it is stays found: a later edit of the item meets it again.
    const claimed = verdict.to === 'take' || verdict.to === 'replace' || verdict.to === 'keep-both';
    if (copy && clash.by !== 'version' && claimed) taken.push(clash.ref);
    switch (verdict.to) {
      case 'take':
        settled.push({ ...taking(clash, copy as TargetRef), ...reasonOf(clash.entry.notes) });
        break;
      case 'create':
        settled.push({ key, todo: 'create', ref: null });
        break;
      case 'yield':
        if (slice.other === undefined) settled.push(yielded(clash, conflict as string));
        else {
          settled.push({ key, todo: null, outcome: 'linked', reason: conflict as string });
          carried.push(clash.ref);
        }
        break;
      case 'leave':
        settled.push({
          key,
          todo: null,
          outcome: verdict.outcome,
          reason: verdict.conflict,
          // Where both sides are kept in step, the other direction must not report it a second time.
          ...(slice.other !== undefined && copy && { ref: clash.ref }),
        });
        break;
      default:
        break;
    }
  }
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, bound.id, settled, slice.run);
    await writeOutcomes(sql, input, [...exceptions(bound.id, settled), ...happened]);
    await takeStrays(sql, pairing.target, bound.targetKey, taken);
    const linked = judged.flatMap(({ clash, copy }) => (copy ? [{ copy, clash }] : []));
    const versions = new Map(linked.map(({ clash, copy }) => [clash.entry.item.key, copy]));
    await link(
      sql,
      slice,
      bound,
      linked.map(({ clash }) => clash.entry),
      settled.map((s) => linkable(s, versions.get(s.key))),
    );
    if (slice.other !== undefined) await askBack(sql, slice.other, bound.targetKey, carried, 'update');
  });
  slice.tally.verified += settled.filter((s) => s.outcome === 'verified').length;
  slice.tally.items += settled.length;
}

/** A conflict is linked with what the copy is now, so that only a further edit there is carried. */
function linkable(settlement: Settlement, copy: TargetRef | undefined): Settlement {
  if (settlement.outcome !== 'conflict' || !copy) return settlement;
  return { ...settlement, version: copy.version ?? '', digest: copy.digest };
}

function taking({ entry, ref, by }: Found, copy: TargetRef): Settlement {
  return {
    key: entry.item.key,
    todo: null,
    outcome: 'verified',
    proof: 'readback',
    digest: entry.digest,
    ref,
    version: copy.version ?? '',
    bytes: entry.bytes,
    base: entry.item.meta,
    // Our own update whose answer was lost, or a copy that somebody made.
    made: by === 'version' ? 'updated' : 'adopted',
  };
}

function yielded({ entry }: Found, conflict: string): Settlement {
  return { key: entry.item.key, todo: null, outcome: 'skipped', reason: conflict };
}

/** The target's version goes on as an item of its own; its identity follows from its content, so that once is enough. */
async function keepCopy(
  slice: Slice,
  { bound }: OpenDestination,
  target: Target<unknown>,
  copy: TargetRef,
): Promise<void> {
  const { rules, deps, lease } = slice;
  if (rules.paths) return keepAside(slice, target, bound.target, copy);
  const body = rules.versioned?.renewed(copy.body);
  const write = { op: 'create' as const, token: `both/${copy.ref}`, body, bytes: rules.size(body), meta: {} };
  slice.assertHeld();
  for await (const answer of target.write(bound.target, [{ ...write, digest: rules.digest(body) }], slice.signal)) {
    if ('refused' in answer) {
      throw new Fault(
        'conflict',
        `the target refuses to keep both versions of an item: ${deps.redact(answer.reason)}`,
        {
          side: 'target',
          next: 'let one side win with onConflict, then retry',
        },
      );
    }
    const { other } = slice;
    if ('conflicted' in answer || answer.ref === undefined || other === undefined) continue;
    const item = { key: answer.ref, version: answer.version ?? '', bytes: write.bytes, rank: 0, meta: {} };
    await fenced(deps.ledger, lease, (sql) => stageBack(sql, other, bound, [item], slice.run));
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
  const { deps, lease, pairing, input } = slice;
  const known = await knownRefs(deps.ledger.pool, pairing.target, bound.targetKey, '');
  await scanContainer(slice, target, bound, (ref) => known.has(ref));
  const lost: Settlement[] = [];
  for (const clash of nameless) {
    const hashes = clash.entry.identities.map(hashIdentity);
    const named = await namesakes(deps.ledger.pool, pairing.target, bound.targetKey, hashes);
    const equal = await strays(deps.ledger.pool, pairing.target, bound.targetKey, [clash.entry.digest]);
    const ref = named.find((one) => one.key === null)?.ref ?? equal[0]?.ref;
    if (ref) found.push({ ...clash, ref });
    else lost.push({ key: clash.entry.item.key, todo: null, outcome: 'refused', reason: ELSEWHERE });
  }
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, bound.id, lost, slice.run);
    await writeOutcomes(sql, input, exceptions(bound.id, lost));
  });
  slice.tally.failures += lost.length;
  return found;
}

const ELSEWHERE =
  'the target says that it holds an item with this UID, but not in this collection; remove that one, then retry';
