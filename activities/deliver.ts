/** The writing half of a move: adopt what is there, commit intents, write, commit results. */
import type { Target, Write, Written } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import type { BatchRow } from '../ledger/batches.js';
import { excuseBatch, openBatch, settleBatch } from '../ledger/batches.js';
import { writeOutcomes } from '../ledger/events.js';
import type { Stray } from '../ledger/found.js';
import { strays, takeStrays } from '../ledger/found.js';
import type { Settlement } from '../ledger/items.js';
import { knownRefs, settleItems } from '../ledger/items.js';
import { fenced } from '../ledger/leases.js';
import { moveDeparted } from './departed.js';
import type { OpenDestination } from './destination.js';
import type { Entry, Lot } from './feed.js';
import { flagsOf } from './flags-of.js';
import { settleLocated } from './recover.js';
import { exceptions } from './settle.js';
import type { Slice } from './slice.js';
import { spend } from './spend.js';

/** Delivers one lot over one connection. Throws the target's faults; what was answered by then is settled. */
export async function deliver(slice: Slice, target: Target<unknown>, lot: Lot): Promise<void> {
  const to = await lot.to.open(target);
  let entries = lot.entries;
  if (to.hasStrays) entries = await adopt(slice, to, entries);
  if (to.hasDeparted) entries = await moveDeparted(slice, to, target, entries);
  if (entries.length === 0) return;
  if (!(await spend(slice, 'target', entries.length, lot.bytes))) return;
  const batch = await open(slice, to, entries);
  await write(slice, to, target, batch, entries);
}

/** Claims copies that are there already: nothing is written, the digest read by the scan is the proof. */
async function adopt(slice: Slice, to: OpenDestination, entries: readonly Entry[]): Promise<readonly Entry[]> {
  const { deps, lease, pairing, input } = slice;
  const { bound } = to;
  return fenced(deps.ledger, lease, async (sql) => {
    // One connection of this slice adopts at a time: two must not claim the same copy.
    await sql.query('select from container where id = $1 for update', [bound.id]);
    const free = await strays(
      sql,
      pairing.target,
      bound.targetKey,
      entries.map((e) => e.digest),
    );
    if (free.length === 0) return entries;
    const settled: Settlement[] = [];
    const rest: Entry[] = [];
    const taken: string[] = [];
    const claim = (entry: Entry, at: number): void => {
      const stray = free.splice(at, 1)[0] as Stray;
      taken.push(stray.ref);
      settled.push(adopted(entry, stray));
    };
    // Twins may differ in their dates only: each takes the copy with its own date, and what is left over goes round.
    const others: Entry[] = [];
    for (const entry of entries) {
      const at = free.findIndex((stray) => stray.digest === entry.digest && hasDate(stray, entry));
      if (at === -1) others.push(entry);
      else claim(entry, at);
    }
    for (const entry of others) {
      const at = free.findIndex((stray) => stray.digest === entry.digest);
      if (at === -1) rest.push(entry);
      else claim(entry, at);
    }
    await takeStrays(sql, pairing.target, bound.targetKey, taken);
    await settleItems(sql, bound.id, settled, input.run);
    slice.tally.verified += settled.length;
    slice.tally.items += settled.length;
    return rest;
  });
}

function hasDate(stray: Stray, { item }: Entry): boolean {
  const { date } = item.meta;
  return (
    typeof date !== 'string' ||
    (typeof stray.meta.date === 'string' && Date.parse(stray.meta.date) === Date.parse(date))
  );
}

/** What the copy lacks of the source's flags is added; what it has beyond them is somebody's, and stays. */
function adopted(entry: Entry, stray: Stray): Settlement {
  const wanted = flagsOf(entry.item.meta);
  const there = new Set(flagsOf(stray.meta));
  const common = wanted.filter((flag) => there.has(flag));
  return {
    key: entry.item.key,
    todo: common.length < wanted.length ? 'meta' : null,
    outcome: 'verified',
    proof: 'scan',
    digest: entry.digest,
    ref: stray.ref,
    base: { ...entry.item.meta, flags: common },
    ...(hasDate(stray, entry) ? {} : { reason: 'internal date not kept' }),
  };
}

async function open(slice: Slice, to: OpenDestination, entries: readonly Entry[]): Promise<BatchRow> {
  const intent = {
    container: to.bound.id,
    op: 'create' as const,
    anchor: to.anchor,
    keys: entries.map((e) => e.item.key),
    digests: entries.map((e) => e.digest),
  };
  return { ...intent, blameless: false, id: await openBatch(slice.deps.ledger, slice.lease, intent) };
}

async function write(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  batch: BatchRow,
  entries: readonly Entry[],
): Promise<void> {
  const { deps, lease, input, signal } = slice;
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
    await settleBatch(deps.ledger, lease, batch, settled, input.run, (sql) =>
      writeOutcomes(sql, input, exceptions(to.bound.id, settled)),
    );
    for (const s of settled) {
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
}

function arrived(entry: Entry, answer: Written, ref: string): Settlement {
  return {
    key: entry.item.key,
    todo: 'verify',
    outcome: 'arrived',
    digest: entry.digest,
    ref,
    base: answer.meta ?? entry.item.meta,
    ...(answer.notes?.length ? { reason: answer.notes.join('; ') } : {}),
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
  await settleLocated(slice, batch, located);
}

/** Faults that say nothing about the items on their way. */
function isBlameless(error: unknown, slice: Slice): boolean {
  if (slice.signal.aborted) return true;
  return error instanceof Fault && ['quota', 'throttled', 'credentials'].includes(error.code);
}
