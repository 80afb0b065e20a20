/** Closing a run: its units are counted, and it is done only when everything is proven. */

import type { JsonObject } from '../../connectors/contract.js';
import { writeEvent } from '../../ledger/events.js';
import { endGates } from '../../ledger/gates.js';
import type { RunTotals } from '../../ledger/runs.js';
import { closeRun, followedRun, runOfRequest } from '../../ledger/runs.js';
import type { UnitRow } from '../../ledger/units.js';
import { endOpenUnits, listUnits } from '../../ledger/units.js';
import { openWords } from '../../words/count-words.js';
import type { Counters } from '../../words/counters.js';
import { addCounters, isProven, NO_COUNTERS } from '../../words/counters.js';
import type { RunState } from '../../words/runs.js';
import type { Deps } from '../deps.js';

type Ledgered = Pick<Deps, 'ledger'>;

export interface CloseRunInput {
  readonly name: string;
  readonly run: number;
  readonly state: 'finished' | 'cancelled' | 'replaced' | 'failed';
}

export interface ClosedRun {
  readonly run: number;
  readonly state: Exclude<RunState, 'running'>;
  readonly totals: RunTotals;
  readonly counters: Counters;
  /** Why it is not done. */
  readonly reason?: string;
}

/**
 * Sums up the run. It is `done` only when every item of every unit is verified. Safe to repeat, however late: of a run that
 * another has followed, what was summed up then stands.
 */
export async function finishRun(deps: Ledgered, input: CloseRunInput): Promise<ClosedRun> {
  const { ledger } = deps;
  const rows = await listUnits(ledger.pool, input.name);
  // After its units were read: as long as none had followed, they were its own.
  const followed = await followedRun(ledger.pool, input.name, input.run);
  if (followed) return { run: input.run, ...followed, counters: { ...NO_COUNTERS, ...followed.totals } };
  const mine = rows.filter((row) => row.run === input.run);
  const counters = mine.reduce((sum, row) => addCounters(sum, row.counters), NO_COUNTERS);
  const done = mine.filter((row) => row.state === 'done').length;
  const failed = mine.length - done;
  const proven = failed === 0 && isProven(counters);
  const state = input.state === 'finished' ? (proven ? 'done' : 'failed') : input.state;
  const totals: RunTotals = { units: mine.length, done, failed, ...counters };
  await closeRun(ledger, input.name, input.run, state, totals);
  await endGates(ledger, input.name, input.run, state);
  await endOpenUnits(ledger, input.name, input.run);
  await writeEvent(
    ledger.pool,
    { migration: input.name, run: input.run },
    state === 'done' ? 'info' : 'warn',
    `run ${state}`,
    totals as unknown as JsonObject,
  );
  return {
    run: input.run,
    state,
    totals,
    counters,
    ...(state === 'failed' && { reason: whyNotDone(mine, counters) }),
  };
}

/** Closes the run that a request has led to; null when it has led to none, as its opening was given up. */
export async function closeRequest(
  deps: Ledgered,
  { name, request, state }: Omit<CloseRunInput, 'run'> & { readonly request: string },
): Promise<ClosedRun | null> {
  const run = await runOfRequest(deps.ledger.pool, name, request);
  return run?.state === 'running' ? finishRun(deps, { name, run: run.number, state }) : null;
}

/** E.g. `2 of 300 units failed (unit 7: OLD_PASSWORD is not set); items: 3 failed, 1 not tried`. */
function whyNotDone(units: readonly UnitRow[], counters: Counters): string {
  const failed = units.filter(({ state }) => state !== 'done');
  const first = failed.find(({ reason }) => reason !== null);
  const named = first ? ` (unit ${first.n}: ${first.reason})` : '';
  return [
    ...(failed.length > 0 ? [`${failed.length} of ${units.length} units failed${named}`] : []),
    ...(isProven(counters) ? [] : [`items: ${openWords(counters)}`]),
  ].join('; ');
}
