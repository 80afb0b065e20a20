/** How units end, and how they start again. */

import { countUnit } from '../../ledger/counts.js';
import { countCovered, waitingForApproval } from '../../ledger/covered.js';
import type { Step } from '../../ledger/events.js';
import { noteAsked, writeEvent } from '../../ledger/events.js';
import { closeGates, openGate } from '../../ledger/gates.js';
import type { Sql } from '../../ledger/ledger.js';
import { addToSum } from '../../ledger/sums.js';
import { changeUnit, readPairings, reopen } from '../../ledger/units.js';
import type { Counters } from '../../words/counters.js';
import type { Ranges } from '../../words/ranges.js';
import { numbersOf } from '../../words/ranges.js';
import type { RunSum } from '../../words/runs.js';
import type { ParkedUnit } from '../../words/units.js';
import type { Deps } from '../deps.js';

export interface UnitEnd {
  readonly migration: string;
  readonly run: number;
  readonly unit: number;
  readonly state: 'done' | 'failed' | 'parked' | 'cancelled' | 'waiting';
  readonly reason?: string;
  readonly park?: ParkedUnit;
  /** Where it stands, as the run adds it up; absent: it is counted here, for its last slice may have come to no count. */
  readonly counters?: Counters;
}

/** Writes down how a unit ended, or why it waits; too late, when another run has called it, it does nothing. */
export async function endUnit(deps: Deps, end: UnitEnd): Promise<RunSum> {
  const { ledger } = deps;
  const { park } = end;
  const counted = end.counters ?? (await countAsItStands(ledger.pool, end));
  const isOurs = await changeUnit(ledger.pool, end, {
    state: end.state,
    gate: park?.gate ?? null,
    reason: park?.reason ?? end.reason ?? null,
    next: park?.next ?? null,
    retryAt: park?.retryAt ?? null,
    ...(end.state === 'done' ? { approved: [] } : {}),
    ...(counted && { counters: counted }),
  });
  const sum = await addToSum(ledger.pool, end, [end.unit]);
  if (!isOurs) return sum;
  if (park) {
    await openGate(ledger, end, { gate: park.gate, reason: park.reason, next: park.next });
    await writeEvent(ledger.pool, end, 'warn', `waits for ${park.gate}`, {
      reason: park.reason,
      next: park.next ?? null,
    });
  } else {
    await writeEvent(ledger.pool, end, end.state === 'failed' ? 'error' : 'info', `unit ${end.state}`, {
      ...(end.reason === undefined ? {} : { reason: end.reason }),
    });
  }
  return sum;
}

/** A slice that failed, was killed or terminated has counted nothing, and may have written much. */
async function countAsItStands(sql: Sql, { migration, run, unit: n }: UnitEnd): Promise<Counters | undefined> {
  const pairings = await readPairings(sql, migration, n);
  return pairings.length === 0 ? undefined : countUnit(sql, { migration, n, pairings }, run);
}

export interface ReopenInput {
  readonly migration: string;
  readonly run: number;
  readonly units: Ranges;
  /** The signal's name, `time`, or `order` when the others have moved. */
  readonly by: string;
  /** What each was approved for. One that waits for anything else by now starts again as it is, and asks anew. */
  readonly covers?: readonly Approved[];
}

/** A unit's number, and the token of what an approval lets pass there (`Covers`). */
export type Approved = readonly [unit: number, token: string];

/**
 * Units that failed or wait at a gate may start again. An approval holds until the unit
 * is done, and for this run only.
 */
export async function reopenUnits(deps: Deps, input: ReopenInput, step?: Step): Promise<void> {
  const { migration, run, units, by } = input;
  const { ledger } = deps;
  const numbers = [...numbersOf(units)];
  await ledger.transaction(async (sql) => {
    await closeGates(sql, migration, numbers, by);
    const { approved, items } = by === 'approve' ? await stillMeant(sql, input, numbers) : NOTHING;
    // A retry is written down where it is heard: it may find nothing to start again.
    if (by === 'approve' || by === 'credentials')
      await noteAsked(sql, { migration, run }, by, { units: numbers.length, ...items }, step);
    await reopen(sql, migration, numbers, by === 'order' ? numbers : approved);
  });
  for (const unit of numbers.slice(0, EVENTS))
    await writeEvent(ledger.pool, { migration, run, unit }, 'info', 'gate opened', { by });
}

interface Meant {
  readonly approved: readonly number[];
  /** How many items that lets pass. */
  readonly items: { readonly deletions?: number; readonly failures?: number };
}

const NOTHING: Meant = { approved: [], items: {} };

/** Those that still wait for what they were approved for, and those of which that is not known. */
async function stillMeant(
  sql: Sql,
  { migration, run, covers = [] }: ReopenInput,
  numbers: readonly number[],
): Promise<Meant> {
  const pinned = new Set(covers.map(([n]) => n));
  const meant = new Set(numbers.filter((n) => !pinned.has(n)));
  const items: Record<string, number> = {};
  const waiting = await waitingForApproval(sql, { migration, run });
  for (const gate of ['approval', 'failures'] as const) {
    const there = waiting.filter((unit) => unit.gate === gate && pinned.has(unit.n)).map(({ n }) => n);
    if (there.length === 0) continue;
    const now = await countCovered(sql, { migration, run }, there, gate);
    for (const [n, token] of covers) {
      const counted = now.get(n);
      if (counted?.token !== token) continue;
      meant.add(n);
      const what = gate === 'approval' ? 'deletions' : 'failures';
      items[what] = (items[what] ?? 0) + counted.items;
    }
  }
  return { approved: [...meant], items };
}

/** Of units that were let go on together, so many are named one by one. */
const EVENTS = 100;
