/** The writing half of a move: adopt what is there, commit intents, write, commit results. */
import type { Target, Write, Written } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { BatchRow } from '../../ledger/batches.js';
import { excuseBatch, openBatch, settleBatch } from '../../ledger/batches.js';
import { writeOutcomes } from '../../ledger/events.js';
import type { Settlement } from '../../ledger/items.js';
import { knownRefs } from '../../ledger/items.js';
import type { Entry } from '../decide/fitting.js';
import { pathsOf } from '../decide/fitting.js';
import type { OpenDestination } from '../destination.js';
import type { Lot } from '../feed.js';
import type { Slice } from '../slice.js';
import { spend } from '../spend.js';
import { adopt } from './adopt.js';
import type { Clash } from './conflicts.js';
import { settleClashes } from './conflicts.js';
import { moveDeparted } from './departed.js';
import { link } from './link.js';
import { claimIdentities } from './namesakes.js';
import { settleLocated } from './recover.js';
import { exceptions, reasonOf } from './settle.js';

/** Delivers one lot of new items over one connection. Throws the target's faults; what was answered by then is settled. */
export async function deliver(slice: Slice, target: Target<unknown>, lot: Lot): Promise<void> {
  const to = await lot.to.open(target);
  let entries = lot.entries;
  if (to.hasStrays) entries = await adopt(slice, to, entries);
  if (to.hasDeparted) entries = await moveDeparted(slice, to, target, entries);
  const clashes: Clash[] = [];
  if (slice.rules.versioned) {
    const claimed = await claimIdentities(slice, to, entries);
    entries = claimed.free;
    clashes.push(...claimed.clashes);
  }
  if (entries.length > 0) {
    if (!(await spend(slice, 'target', entries.length, lot.bytes))) return;
    const batch = await open(slice, to, entries);
    clashes.push(...(await write(slice, to, target, batch, entries)));
  }
  await settleClashes(slice, to, target, clashes);
}
async function open(slice: Slice, to: OpenDestination, entries: readonly Entry[]): Promise<BatchRow> {
  const intent = {
    container: to.bound.id,
    op: 'create' as const,
    anchor: to.anchor,
    keys: entries.map((e) => e.item.key),
    digests: entries.map((e) => e.digest),
    ...pathsOf(slice, entries),
  };
  return { ...intent, blameless: false, id: await openBatch(slice.deps.ledger, slice.lease, intent) };
}

/** Answers what the target would not take because it holds another of the same identity. */
async function write(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  batch: BatchRow,
  entries: readonly Entry[],
): Promise<Clash[]> {
  const { deps, lease, input, signal } = slice;
  const clashes: Clash[] = [];
  const byKey = new Map(entries.map((e) => [e.item.key, e]));
  const settled: Settlement[] = [];
  const unnamed: string[] = [];
  const writes = entries.map(
    (e): Write<unknown> => ({
      op: 'create',
      token: e.item.key,
      body: e.body,
      bytes: e.bytes,
      meta: e.item.meta,
      digest: e.digest,
    }),
  );
  const commit = async (): Promise<void> => {
    if (settled.length === 0) return;
    await settleBatch(deps.ledger, lease, batch, settled, slice.run, async (sql) => {
      await writeOutcomes(sql, input, exceptions(to.bound.id, settled));
      await link(sql, slice, to.bound, entries, settled);
    });
    for (const s of settled) {
      if (s.outcome === undefined) continue;
      if (s.outcome !== 'arrived') slice.tally.failures++;
      else {
        slice.tally.arrived++;
        slice.tally.items++;
        slice.tally.bytes += byKey.get(s.key)?.bytes ?? 0;
      }
    }
  };
  try {
    slice.assertHeld();
    for await (const answer of target.write(to.bound.target, writes, signal)) {
      if ('refused' in answer) {
        settled.push({ key: answer.refused, todo: null, outcome: 'refused', reason: deps.redact(answer.reason) });
      } else if ('conflicted' in answer) {
        const entry = byKey.get(answer.conflicted) as Entry;
        clashes.push({ entry, ref: answer.ref ?? entry.path, by: slice.rules.paths ? 'path' : 'uid' });
        // Nothing was written: it is no longer in doubt.
        settled.push({ key: entry.item.key, todo: 'create' });
      } else if (answer.ref === undefined) {
        unnamed.push(answer.token);
      } else {
        settled.push(arrived(byKey.get(answer.token) as Entry, answer, answer.ref));
      }
    }
  } catch (error) {
    await commit();
    if (isBlameless(error, slice)) await excuseBatch(deps.ledger, batch.id);
    if (error instanceof Fault) error.side ??= 'target';
    throw error;
  }
  await commit();
  if (unnamed.length > 0) await nameWritten(slice, to, target, batch, unnamed);
  return clashes;
}

function arrived(entry: Entry, answer: Written, ref: string): Settlement {
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
  to: OpenDestination,
  target: Target<unknown>,
  batch: BatchRow,
  keys: readonly string[],
): Promise<void> {
  const known = await knownRefs(slice.deps.ledger.pool, slice.pairing.target, to.bound.targetKey, '');
  const intents = batch.keys.flatMap((token, at) =>
    keys.includes(token) ? [{ token, digest: batch.digests[at] as string }] : [],
  );
  const located = [];
  for await (const l of target.locate(to.bound.target, intents, batch.anchor, (ref) => known.has(ref), slice.signal)) {
    // It answered that it wrote: not to find it is no reason to write it again.
    located.push(
      l.found === 'absent'
        ? { token: l.token, found: 'unsure' as const, reason: 'the server said it was stored, but it is not there' }
        : l,
    );
  }
  await settleLocated(slice, batch, to.bound, located);
}

/** Faults that say nothing about the items on their way. */
export function isBlameless(error: unknown, slice: Slice): boolean {
  if (slice.signal.aborted) return true;
  return error instanceof Fault && ['quota', 'throttled', 'credentials'].includes(error.code);
}
