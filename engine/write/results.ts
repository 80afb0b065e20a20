/** What writes come to: each ends as one result, and all that follows from it in the ledger is committed at once. */
import type { Refused } from '../../connectors/contract.js';
import type { Replaced } from '../../ledger/batches.js';
import { claimedByOthers } from '../../ledger/copies.js';
import type { OutcomeEntry } from '../../ledger/events.js';
import { writeOutcomes } from '../../ledger/events.js';
import type { Settlement } from '../../ledger/items.js';
import { forgetItems, giveAway, settleItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Sql } from '../../ledger/ledger.js';
import { requeueReverse, unlinkReverse } from '../../ledger/links.js';
import type { Slice } from '../slice/slice.js';
import type { Tally } from '../slice/tally.js';
import { noteTrouble } from '../slice/tally.js';
import type { Bound } from './bind.js';
import type { Linkable } from './link.js';
import { link } from './link.js';

/** How an item stands now, and what else follows from that. */
export interface Result extends Settlement {
  /** What the run's list says of it. Absent: its outcome, where that is not a plain success. */
  readonly said?: { readonly what: string; readonly reason?: string };
  /** The row under which its copy stood before: it is dropped, or has no copy any more. */
  readonly replaces?: Replaced;
  /** Nothing stands for it any more, on either side: its row is dropped. */
  readonly dropped?: true;
  /** Of a conflict: what the copy is now, so that only a further edit there is carried back. */
  readonly copy?: { readonly version: string; readonly digest: string };
  /** Of a two-way unit: what the other direction does with its item, which is this copy. */
  readonly reverse?: { readonly ref: string; readonly what: 'forget' | 'create' | 'update' };
}

/** Where results are committed: the container, and what linking both directions of a two-way unit takes. */
export interface Settling {
  readonly container: number;
  readonly bound?: Bound;
  /** At least the items that arrived. */
  readonly entries?: readonly Linkable[];
}

/** The part of a slice that committing takes. */
export type Committing = Pick<Slice, 'deps' | 'lease' | 'input' | 'run' | 'other' | 'tally'>;

/** Commits results under the lease's fence; `also` belongs to the same transaction. */
export async function commit(
  slice: Committing,
  settling: Settling,
  results: readonly Result[],
  also: (sql: Sql) => Promise<void> = async () => {},
): Promise<void> {
  const settled = await fenced(slice.deps.ledger, slice.lease, async (sql) => {
    const settled = await writeDown(sql, slice, settling, results);
    await also(sql);
    return settled;
  });
  count(slice.tally, settled);
}

/** Settles items that nothing was written for, e.g. because the source refuses them. */
export async function settle(slice: Committing, container: number, results: readonly Result[]): Promise<void> {
  if (results.length > 0) await commit(slice, { container }, results);
}

/** As part of a transaction under the fence. Returns the results as they were settled, for `count` once it is committed. */
export async function writeDown(
  sql: Sql,
  slice: Committing,
  { container, bound, entries = [] }: Settling,
  answered: readonly Result[],
): Promise<readonly Result[]> {
  const { input, run, other } = slice;
  for (const { replaces } of answered)
    if (replaces) await giveAway(sql, replaces.container, replaces.key, replaces.ref);
  const claimed = await claimedByOthers(sql, container, answered);
  const results = answered.map((result) => redacted(slice, claimed.has(result.key) ? unsureOf(result) : result));
  const standing = results.filter(({ dropped }) => !dropped);
  await settleItems(sql, container, standing, run);
  await forgetItems(
    sql,
    container,
    results.flatMap(({ dropped, key }) => (dropped ? [key] : [])),
  );
  await writeOutcomes(sql, input, listed(container, results));
  if (other === undefined || !bound) return results;
  // First: a copy that goes on under another item in its place is linked with that one below.
  for (const { replaces } of results) if (replaces) await unlinkReverse(sql, other, replaces.targetKey, [replaces.ref]);
  await link(sql, { other, run }, bound, entries, standing);
  const refsFor = (what: string): string[] =>
    results.flatMap(({ reverse }) => (reverse && reverse.what === what ? [reverse.ref] : []));
  await unlinkReverse(sql, other, bound.targetKey, refsFor('forget'));
  for (const what of ['create', 'update'] as const)
    await requeueReverse(sql, other, bound.targetKey, refsFor(what), what);
  return results;
}

/** A copy has one owner: whoever claims it second has none that we know of. */
function unsureOf({ key, digest }: Result): Result {
  const reason = 'its copy in the target belongs to another item; `migrate retry` looks for one of its own';
  return { key, todo: null, outcome: 'unsure', ref: null, reason, ...(digest !== undefined && { digest }) };
}

/** What the run's list of exceptions and changes says. */
function listed(container: number, results: readonly Result[]): OutcomeEntry[] {
  return results.flatMap(({ key, outcome, reason, said }) => {
    if (said) return [{ container, key, ...said }];
    if (outcome === undefined || outcome === 'verified' || outcome === 'arrived') return [];
    return [{ container, key, what: outcome, ...(reason !== undefined && { reason }) }];
  });
}

export const FAILED: ReadonlySet<string | null | undefined> = new Set([
  'refused',
  'quarantined',
  'unsure',
  'altered',
  'missing',
  'conflict',
]);

/** What the slice has done so far, for the heartbeat and for the watch on failures. */
export function count(tally: Tally, results: readonly Result[]): void {
  for (const { outcome, bytes = 0, reason } of results) {
    tally.items++;
    if (outcome === 'arrived') {
      tally.arrived++;
      tally.bytes += bytes;
    } else if (outcome === 'verified') tally.verified++;
    else if (FAILED.has(outcome)) {
      tally.failures++;
      noteTrouble(tally, reason ?? (outcome as string));
    }
  }
}

function redacted({ deps }: Pick<Slice, 'deps'>, result: Result): Result {
  const { reason, said } = result;
  if (reason === undefined && said?.reason === undefined) return result;
  return {
    ...result,
    ...(reason !== undefined && { reason: deps.redact(reason) }),
    ...(said?.reason !== undefined && { said: { ...said, reason: deps.redact(said.reason) } }),
  };
}

/** What a system will not take or give, in its own words. */
export function refusal({ refused, reason, skipped }: Refused): Result {
  return { key: refused, todo: null, outcome: skipped ? 'skipped' : 'refused', reason };
}

/** Remarks as one reason; nothing without any. */
export function reasonOf(remarks: readonly string[]): { reason?: string } {
  return remarks.length > 0 ? { reason: remarks.join('; ') } : {};
}
