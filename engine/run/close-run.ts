/** Closing a run: its units are counted, and it is done only when everything is proven. */

import type { JsonObject } from '../../connectors/contract.js';
import { writeEvent } from '../../ledger/events.js';
import { endGates } from '../../ledger/gates.js';
import { sumLeftOut } from '../../ledger/left-out.js';
import type { RunTotals } from '../../ledger/runs.js';
import { closeRun, followedRun, runOfRequest } from '../../ledger/runs.js';
import type { UnitRow } from '../../ledger/units.js';
import { endOpenUnits, listUnits } from '../../ledger/units.js';
import { openWords } from '../../words/count-words.js';
import type { Counters } from '../../words/counters.js';
import { addCounters, isProven, NO_COUNTERS } from '../../words/counters.js';
import type { LeftOutSum } from '../../words/left-out.js';
import { leftOutWords } from '../../words/left-out.js';
import type { RunState } from '../../words/runs.js';
import type { Deps } from '../deps.js';
import { whyNotDone } from './why-not-done.js';

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
  /** Absent where the spec leaves nothing out. */
  readonly leftOut?: LeftOutSum;
  /** Present where no unit of the migration is left with anything to prove, those of other runs among them. */
  readonly allProven?: true;
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
  const leftOut = await sumLeftOut(ledger.pool, input.name, input.run);
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
    ...(leftOutWords(leftOut) !== undefined && { leftOut }),
    ...(rows.every(isSettled) && { allProven: true }),
    ...(state === 'failed' && { reason: reasonOf(await whyNotDone(ledger.pool, mine), counters) }),
  };
}

const isSettled = ({ state, counters }: UnitRow): boolean =>
  state === 'done' && isProven(addCounters(NO_COUNTERS, counters));

/** Closes the run that a request has led to; null when it has led to none, as its opening was given up. */
export async function closeRequest(
  deps: Ledgered,
  { name, request, state }: Omit<CloseRunInput, 'run'> & { readonly request: string },
): Promise<ClosedRun | null> {
  const run = await runOfRequest(deps.ledger.pool, name, request);
  return run?.state === 'running' ? finishRun(deps, { name, run: run.number, state }) : null;
}

/** E.g. `3 accounts: OLD_PASSWORD is not set (…); 3 of 300 units failed; items: 3 failed, 1 not tried`. */
function reasonOf(why: readonly string[], counters: Counters): string {
  return [...why, ...(isProven(counters) ? [] : [`items: ${openWords(counters)}`])].join('; ');
}
