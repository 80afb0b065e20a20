/** What a worker removes for its age: now and then by itself, and when `migrate prune` asks for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../connectors/errors.js';
import {
  migrationNames,
  pruneEvents,
  pruneOutcomes,
  pruneRuns,
  pruneSpecs,
  runsOfItems,
  runsReported,
} from '../../ledger/prune.js';
import { readRuns } from '../../ledger/report.js';
import { removeOldParts } from '../../ledger/specs.js';
import { sweepListings } from '../../ledger/staged.js';
import { alone } from '../../ledger/upkeep-lock.js';
import type { Pruned, PruneInput, PruneResult, Retention } from '../../words/upkeep.js';
import type { Deps, LeftReport } from '../deps.js';

export type PruneDeps = Pick<Deps, 'ledger' | 'reports' | 'retention'>;

const LOCK_POLL_MS = 500;
const DAY_MS = 86_400_000;

/** Waits for a worker that prunes by itself just now. Throws `Fault('not-found')` for a migration that is not known. */
export async function prune(deps: PruneDeps, input: PruneInput, signal: AbortSignal): Promise<PruneResult> {
  const known = await migrationNames(deps.ledger.pool);
  if (input.name !== undefined && !known.includes(input.name)) {
    throw new Fault('not-found', `the ledger knows no migration "${input.name}"`, {
      next: '`migrate list` shows the migrations; a run is in the ledger as soon as a worker has taken it',
    });
  }
  const { olderThanMs: all } = input;
  const retention = all === undefined ? deps.retention : { events: all, outcomes: all, runs: all, reports: all };
  for (;;) {
    const pruned = await alone(deps.ledger, () => pruneAll(deps, input, retention, known, signal));
    if (pruned) return pruned.done;
    await sleep(LOCK_POLL_MS, undefined, { signal });
  }
}

/** By the worker's settings, unless another is at it; then undefined. */
export async function pruneByItself(deps: PruneDeps, signal: AbortSignal): Promise<PruneResult | undefined> {
  const known = await migrationNames(deps.ledger.pool);
  const pruned = await alone(deps.ledger, () => pruneAll(deps, { dryRun: false }, deps.retention, known, signal));
  return pruned?.done;
}

async function pruneAll(
  deps: PruneDeps,
  { name, dryRun }: PruneInput,
  retention: Retention,
  known: readonly string[],
  signal: AbortSignal,
): Promise<PruneResult> {
  if (!dryRun) await removeOldParts(deps.ledger.pool);
  const ofItems = await runsOfItems(deps.ledger.pool);
  const migrations: (Pruned & { name: string })[] = [];
  for (const migration of name === undefined ? known : [name]) {
    const pruned = await pruneOne(deps, migration, retention, ofItems, dryRun, signal);
    if (Object.values(pruned).some((n) => n > 0)) migrations.push({ name: migration, ...pruned });
  }
  if (!dryRun) await sweepListings(deps.ledger);
  const specs = retention.runs === undefined ? 0 : await pruneSpecs(deps.ledger.pool, retention.runs, dryRun, name);
  return { dryRun, migrations, specs, keepsReports: deps.reports !== undefined };
}

async function pruneOne(
  { ledger, reports }: PruneDeps,
  migration: string,
  retention: Retention,
  ofItems: readonly number[],
  dryRun: boolean,
  signal: AbortSignal,
): Promise<Pruned> {
  const of = { migration, dryRun, signal };
  const pruned = { events: 0, outcomes: 0, runs: 0, gates: 0, reports: 0, bytes: 0 };
  if (reports && retention.reports !== undefined) {
    // Before the runs, which say how old a report is.
    for (const report of await spentReports(ledger, await reports.list(migration), migration, retention.reports)) {
      signal.throwIfAborted();
      if (!dryRun) await reports.remove(report);
      pruned.reports++;
      pruned.bytes += report.bytes;
    }
  }
  const reported = await runsReported(ledger.pool, migration);
  if (retention.events !== undefined)
    pruned.events = await pruneEvents(ledger, { ...of, olderThanMs: retention.events }, reported);
  if (retention.outcomes !== undefined)
    pruned.outcomes = await pruneOutcomes(ledger, { ...of, olderThanMs: retention.outcomes }, reported);
  if (retention.runs !== undefined) {
    // A schedule's start may still wait to read how its run ended.
    const old = { ...of, olderThanMs: Math.max(retention.runs, DAY_MS) };
    Object.assign(pruned, await pruneRuns(ledger, old, retention.outcomes, reported, ofItems));
  }
  return pruned;
}

/** Reports that are old, but for that of the last run and the last whole one: a worker's folder may hold only older ones. */
async function spentReports(
  { pool }: Deps['ledger'],
  left: readonly LeftReport[],
  migration: string,
  olderThanMs: number,
): Promise<readonly LeftReport[]> {
  if (left.length === 0) return [];
  const kept = new Set([...(await runsReported(pool, migration)), left.at(-1)?.run]);
  const ended = new Map((await readRuns(pool, migration)).map((run) => [run.number, run.endedAt]));
  const since = Date.now() - olderThanMs;
  return left.filter(({ run, writtenAt }) => !kept.has(run) && (ended.get(run) ?? writtenAt).getTime() < since);
}
