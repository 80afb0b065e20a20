/** One chunk on its way into the target: adopted, moved, claimed, written; what stands in the way is settled last. */
import type { Target, Write, Written } from '../../connectors/contract.js';
import type { BatchRow } from '../../ledger/batches.js';
import { hashIdentity, setIdentities } from '../../ledger/identities.js';
import { fenced } from '../../ledger/leases.js';
import type { Conflict } from '../decide/conflict.js';
import type { Entry } from '../decide/fitting.js';
import { acquire } from '../slice/rate-limit.js';
import type { Slice } from '../slice/slice.js';
import { adopt } from '../write/adopt.js';
import { attempt, tokenOf } from '../write/attempt.js';
import { ownedIn } from '../write/bind.js';
import { settleConflicts } from '../write/conflicts.js';
import { moveDeparted } from '../write/departed.js';
import type { OpenDestination } from '../write/destination.js';
import { sortEdits, writeEdits } from '../write/edits.js';
import { settleLocated } from '../write/locate.js';
import { claimIdentities } from '../write/namesakes.js';
import { takeRenamed } from '../write/renamed.js';
import type { Result } from '../write/results.js';
import { reasonOf, refusal, settle } from '../write/results.js';
import type { Chunk } from './feed.js';
import { writeTold } from './told.js';

/** Delivers one chunk over one connection. Throws the target's faults; what was answered by then is settled. */
export async function deliver(slice: Slice, target: Target<unknown>, chunk: Chunk): Promise<void> {
  let to: OpenDestination;
  try {
    to = await chunk.to.open(target);
  } catch (error) {
    const { refused } = chunk.to;
    if (refused === undefined) throw error;
    const results = chunk.entries.map(({ item }) => refusal({ refused: item.key, reason: refused }));
    return settle(slice, chunk.to.row.id, results);
  }
  await writeTold(
    slice,
    chunk.to.row,
    chunk.entries.map(({ item }) => item),
  );
  await (chunk.op === 'create' ? deliverNew(slice, to, target, chunk) : deliverEdits(slice, to, target, chunk));
}

async function deliverNew(slice: Slice, to: OpenDestination, target: Target<unknown>, chunk: Chunk): Promise<void> {
  let entries = chunk.entries;
  if (to.hasDeparted && slice.rules.adopts.includes('identity'))
    entries = await takeRenamed(slice, to, target, entries);
  // What another reading says otherwise is no copy's content, and no other item's.
  const unstable = entries.filter(({ item }) => item.unstable);
  if (unstable.length > 0) entries = entries.filter(({ item }) => !item.unstable);
  if (to.hasUnclaimed) entries = await adopt(slice, to, target, entries);
  if (to.hasDeparted) entries = await moveDeparted(slice, to, target, entries);
  if (unstable.length > 0) entries = [...entries, ...unstable];
  const conflicts: Conflict[] = [];
  if (slice.rules.adopts.includes('identity')) {
    const claimed = await claimIdentities(slice, to, entries);
    entries = claimed.free;
    conflicts.push(...claimed.conflicts);
  }
  if (entries.length > 0) {
    if (!(await acquire(slice, 'target', entries.length, chunk.bytes))) return;
    conflicts.push(...(await create(slice, to, target, entries)));
  }
  await settleConflicts(slice, to, target, conflicts);
}

async function deliverEdits(slice: Slice, to: OpenDestination, target: Target<unknown>, chunk: Chunk): Promise<void> {
  const { edits, conflicts } = await sortEdits(slice, to.bound.id, chunk.entries);
  if (slice.rules.adopts.includes('identity')) await rename(slice, to, chunk.entries);
  if (edits.length + conflicts.length === 0) return;
  if (!(await acquire(slice, 'target', edits.length + conflicts.length, chunk.bytes))) return;
  const met = await writeEdits(slice, to, target, edits);
  await settleConflicts(slice, to, target, [...conflicts, ...met]);
}

/** An edit may give an item another address: what it was called before is free for others. */
async function rename({ deps, lease }: Slice, { bound }: OpenDestination, entries: readonly Entry[]): Promise<void> {
  const named = entries.map(({ item, identities }) => ({ key: item.key, identities: identities.map(hashIdentity) }));
  await fenced(deps.ledger, lease, (sql) => setIdentities(sql, bound.id, named));
}

/** Returns what the target would not take because it holds another of the same identity. */
async function create(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  entries: readonly Entry[],
): Promise<Conflict[]> {
  const byKey = new Map(entries.map((entry) => [entry.item.key, entry]));
  const conflicts: Conflict[] = [];
  const { rules } = slice;
  const left = await attempt(slice, target, {
    op: 'create',
    bound: to.bound,
    anchor: to.anchor,
    writes: entries.map(creating),
    paths: new Map(entries.flatMap(({ item, path }) => (path === undefined ? [] : [[item.key, path] as const]))),
    // Should it have landed, its flags are those: what they are in the source by then is another change.
    ...(rules.edits === 'meta' && { details: new Map(entries.map(({ item }) => [item.key, { meta: item.meta }])) }),
    entries,
    settle(answer) {
      const entry = byKey.get(tokenOf(answer)) as Entry;
      if ('refused' in answer) return refusal(answer);
      if ('conflicted' in answer) {
        conflicts.push({ entry, ref: answer.ref ?? entry.path, by: rules.place === 'path' ? 'path' : 'uid' });
        return 'not-written';
      }
      return answer.ref === undefined ? 'in-doubt' : arrived(entry, answer, answer.ref);
    },
  });
  if (left.intents.length > 0) {
    await to.shared.claiming(to.bound.targetKey, () => nameWritten(slice, to, target, left));
  }
  return conflicts;
}

function creating({ item, body, bytes, digest }: Entry): Write<unknown> {
  return { op: 'create', token: item.key, body, bytes, meta: item.meta, digest };
}

function arrived(entry: Entry, answer: Written, ref: string): Result {
  return {
    key: entry.item.key,
    todo: 'verify',
    outcome: 'arrived',
    digest: entry.digest,
    ref,
    ...(answer.version !== undefined && { version: answer.version }),
    made: 'created',
    bytes: entry.bytes,
    base: answer.meta ?? entry.item.meta,
    ...reasonOf([...entry.notes, ...(answer.notes ?? [])]),
  };
}

/** A target that does not name what it wrote (no UIDPLUS) is asked where it landed. */
async function nameWritten(
  slice: Slice,
  { bound }: OpenDestination,
  target: Target<unknown>,
  batch: BatchRow,
): Promise<void> {
  const known = ownedIn(slice, bound.target);
  const intents = batch.intents.map(({ key, digest }) => ({ token: key, digest }));
  const located = [];
  for await (const one of target.locate(bound.target, intents, batch.anchor, known, slice.signal)) {
    // The target answered that it wrote: a copy that is not found is still not written again.
    located.push(one.found === 'absent' ? { token: one.token, found: 'unsure' as const, reason: NOT_THERE } : one);
  }
  await settleLocated(slice, batch, bound, located);
}

const NOT_THERE = 'the server said it was stored, but it is not there';
