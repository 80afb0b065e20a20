/**
 * The one way in which the engine changes a target, and what makes a crash at any moment harmless:
 *
 *   lease held ──▶ intents committed ──▶ lease looked at ──▶ target writes ──▶ results committed under the fence
 *        │                 │                    │                  │                     │
 *        │ crash: nothing  │ crash: recovery    │ a process that   │ crash, lost answer: │ a slice that lost its
 *        │ is known, and   │ finds nothing in   │ was stopped and  │ recovery looks for  │ lease commits nothing:
 *        │ nothing written │ the target         │ woke up ends     │ each intent         │ recovery does, as before
 *
 * Whoever takes the lease next begins with `recover`: it waits until writes of a dead sender can no longer land, then
 * finds out what became of each intent. So an item is written again only after its first copy was looked for.
 */
import type { Target, TargetContainer, Write, WriteAnswer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { BatchRow, Intent, IntentDetail, Op } from '../../ledger/batches.js';
import { leaveInDoubt, noteEnd, openBatch } from '../../ledger/batches.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import type { Linkable } from './link.js';
import type { Committing, Result } from './results.js';
import { commit } from './results.js';

export interface Attempt {
  readonly op: Op;
  /** The container whose items are settled. */
  readonly bound: Bound;
  /** Where the writes are addressed; the bound container's counterpart unless an item leaves another one. */
  readonly at?: TargetContainer;
  readonly writes: readonly Write<unknown>[];
  /** Where the target would put the next item: recovery looks behind it. */
  readonly anchor?: string;
  /** By the writes' tokens. */
  readonly digests?: ReadonlyMap<string, string>;
  readonly paths?: ReadonlyMap<string, string>;
  readonly details?: ReadonlyMap<string, IntentDetail>;
  /** A write in doubt says nothing against its item, whatever ended it. */
  readonly uncounted?: true;
  /** The items of the writes, for the other direction of a two-way unit. */
  readonly entries?: readonly Linkable[];
  /**
   * What an answer means. `in-doubt`: the target wrote without saying where, and is asked afterwards. `not-written`: its
   * intent ends, and the item stays as it is.
   */
  settle(answer: WriteAnswer): Result | 'in-doubt' | 'not-written';
}

/** The part of a slice that writing takes. */
export type Writing = Committing & Pick<Slice, 'assertHeld' | 'signal'>;

/**
 * Makes the writes over one connection. Returns the batch as far as it is in doubt. Throws the target's fault once what it
 * answered is settled; the rest stays in doubt. A fault that says nothing about the items counts as no try of theirs.
 */
export async function attempt(slice: Writing, session: Target<unknown>, what: Attempt): Promise<BatchRow> {
  const { deps, lease, signal } = slice;
  const { op, bound, writes, at = bound.target, entries } = what;
  const batch = intended(session, what);
  const id = await openBatch(deps.ledger, lease, batch);
  const open = new Map(batch.intents.map((intent) => [intent.key, intent]));
  const results: Result[] = [];
  const settled = (): Promise<void> =>
    commit(slice, { container: bound.id, bound, ...(entries && { entries }) }, results, (sql) =>
      leaveInDoubt(sql, id, [...open.values()]),
    );
  try {
    slice.assertHeld();
    for await (const answer of session.write(at, writes, signal)) {
      const result = what.settle(known(answer, open, op));
      if (result === 'in-doubt') continue;
      open.delete(tokenOf(answer));
      if (result !== 'not-written') results.push(result);
    }
  } catch (error) {
    await settled();
    if (open.size > 0) {
      const words = error instanceof Fault ? deps.redact(error.message) : undefined;
      await noteEnd(deps.ledger, id, { words, uncounted: saysNothingOfItems(error, slice) });
    }
    throw error;
  }
  await settled();
  return { ...batch, id, intents: [...open.values()] };
}

function intended(session: Target<unknown>, what: Attempt): Omit<BatchRow, 'id'> {
  const { op, bound, writes, anchor = '', digests, paths, details, uncounted = false } = what;
  const sizes = writes.flatMap((write) => ('bytes' in write ? [write.bytes] : []));
  return {
    container: bound.id,
    op,
    anchor,
    uncounted,
    quietMs: session.quietFor?.(sizes) ?? session.quietMs,
    intents: writes.map((write): Intent => {
      const { token } = write;
      const digest = 'digest' in write ? write.digest : (digests?.get(token) ?? '');
      return { key: token, digest, path: paths?.get(token), detail: details?.get(token) };
    }),
  };
}

function known(answer: WriteAnswer, open: ReadonlyMap<string, Intent>, op: Op): WriteAnswer {
  if (open.has(tokenOf(answer))) return answer;
  throw new Fault('internal', `the target answered a ${op} that it was not asked for, or answered it twice`, {
    next: 'report this with the type of the target',
  });
}

/** The item that an answer is about. */
export function tokenOf(answer: WriteAnswer): string {
  if ('refused' in answer) return answer.refused;
  return 'conflicted' in answer ? answer.conflicted : answer.token;
}

/** Faults of the account, the lease or a person's request. */
function saysNothingOfItems(error: unknown, slice: Writing): boolean {
  if (slice.signal.aborted) return true;
  return error instanceof Fault && ['quota', 'throttled', 'credentials'].includes(error.code);
}
