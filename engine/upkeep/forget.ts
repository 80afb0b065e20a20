/** What the ledger knows of a migration, or of one person in it, is taken out when `migrate forget` asks for it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../connectors/errors.js';
import { writeEvent } from '../../ledger/events.js';
import type { Forgetting, NamedUnit, UsedPairing } from '../../ledger/forget.js';
import {
  extentOf,
  forgetInSpecs,
  forgetPairing,
  forgetPlaces,
  forgetRecords,
  forgetUnits,
  lastRun,
  leasedNow,
  namesOfOnly,
  othersNaming,
  pairingsOf,
  sharedPlaces,
  unitsNamed,
} from '../../ledger/forget.js';
import type { Lease } from '../../ledger/leases.js';
import { releaseLease, renewLease, takeLease } from '../../ledger/leases.js';
import type { Sql } from '../../ledger/ledger.js';
import { sweepListings } from '../../ledger/staged.js';
import { alone } from '../../ledger/upkeep-lock.js';
import type { ForgetInput, ForgetResult } from '../../words/upkeep.js';
import type { Deps, LeftReport } from '../deps.js';

export type ForgetDeps = Pick<Deps, 'ledger' | 'reports' | 'settings'>;

const LOCK_POLL_MS = 500;
const NOTHING: ForgetResult['removed'] = {
  containers: 0,
  items: 0,
  places: 0,
  uploads: 0,
  batches: 0,
  events: 0,
  outcomes: 0,
  runs: 0,
  specs: 0,
  reports: 0,
};

/** What the engine cannot know by itself. */
export interface Asked {
  /** Whether the migration's workflow is open. */
  isRunning(): Promise<boolean>;
  /** A try before this one may have ended without telling: then nothing is left to be found. */
  readonly isRetry?: boolean;
}

/**
 * Throws `Fault('not-found')` where there is nothing of that name, and `Fault('refused')` while the migration runs or
 * somebody writes to one of its accounts.
 */
export async function forget(
  deps: ForgetDeps,
  input: ForgetInput,
  asked: Asked,
  signal: AbortSignal,
): Promise<ForgetResult> {
  for (;;) {
    const forgotten = await alone(deps.ledger, () => forgetAlone(deps, input, asked, signal));
    if (forgotten) return forgotten.done;
    await sleep(LOCK_POLL_MS, undefined, { signal });
  }
}

/** What is to go, and what was found of it. */
interface Found {
  readonly forgetting: Forgetting;
  readonly units: readonly NamedUnit[];
  /** Names of the person that nobody else in the migration has. */
  readonly names: readonly string[];
  readonly going: readonly UsedPairing[];
  readonly shared: readonly UsedPairing[];
  readonly reports: readonly LeftReport[];
  readonly last: number;
}

async function forgetAlone(
  deps: ForgetDeps,
  input: ForgetInput,
  asked: Asked,
  signal: AbortSignal,
): Promise<ForgetResult> {
  const found = await find(deps, input).catch((error: unknown) => {
    if (asked.isRetry && error instanceof Fault && error.code === 'not-found') return undefined;
    throw error;
  });
  if (found === undefined) return { ...input, units: [], removed: NOTHING, kept: [], elsewhere: [] };
  await refuseWhileAtWork(deps, found, asked);
  const result = await describe(deps, input, found);
  if (!input.dryRun) await remove(deps, found, signal);
  return result;
}

async function find({ ledger, reports }: ForgetDeps, { name, account }: ForgetInput): Promise<Found> {
  const { pool } = ledger;
  const last = await lastRun(pool, name);
  if (last === undefined) {
    throw new Fault('not-found', `the ledger knows no migration "${name}"`, {
      next: '`migrate list` shows the migrations; a run is in the ledger as soon as a worker has taken it',
    });
  }
  const units = await unitsNamed(pool, name, account);
  if (account !== undefined && units.length === 0) {
    throw new Fault('not-found', `no unit of "${name}" has the account that was given`, {
      next: 'give it as the spec has it, of either side; `migrate report` lists the accounts',
    });
  }
  const forgetting: Forgetting = {
    migration: name,
    units: units.map(({ n }) => n),
    ...(account !== undefined && { account }),
  };
  const pairings = await pairingsOf(pool, forgetting);
  const names = account === undefined ? [] : await namesOfOnly(pool, forgetting);
  const left: LeftReport[] = [];
  for (const report of (await reports?.list(name)) ?? [])
    if (account === undefined || (await reports?.names(report, names))) left.push(report);
  return {
    forgetting,
    units,
    names,
    going: pairings.filter(({ sharedWith }) => sharedWith.length === 0),
    shared: pairings.filter(({ sharedWith }) => sharedWith.length > 0),
    reports: left,
    last,
  };
}

async function refuseWhileAtWork(
  { ledger }: ForgetDeps,
  found: Found,
  { isRunning }: Pick<Asked, 'isRunning'>,
): Promise<void> {
  const { migration } = found.forgetting;
  if (await isRunning()) {
    throw new Fault('refused', `migration "${migration}" is running`, {
      next: `end it with \`migrate cancel ${migration}\`, or wait until it is done`,
    });
  }
  const leased = await leasedNow(
    ledger.pool,
    found.going.map(({ target }) => target),
  );
  if (leased.length > 0) {
    throw new Fault(
      'refused',
      `a worker writes to ${leased.length === 1 ? 'one' : leased.length} of these accounts just now`,
      {
        next: 'cancel the migration that does, or try again in some seconds: what a killed worker held lapses',
      },
    );
  }
}

async function describe({ ledger, reports }: ForgetDeps, input: ForgetInput, found: Found): Promise<ForgetResult> {
  const { forgetting, units, names, going, shared } = found;
  const ids = going.map(({ id }) => id);
  const extent = await extentOf(ledger.pool, forgetting, ids, names);
  const specs = input.account === undefined ? undefined : await forgetInSpecs(ledger, input.name, units, names, true);
  const places = await sharedPlaces(ledger.pool, ids);
  return {
    ...input,
    units,
    removed: { ...extent, ...(specs && { specs: specs.specs }), reports: found.reports.length },
    kept: [
      ...shared.map(
        ({ kind, from, to, sharedWith }) =>
          `the items of ${from} → ${to} (${kind}) stay: ${sharedWith.map((name) => `"${name}"`).join(', ')} ${sharedWith.length === 1 ? 'moves' : 'move'} them too`,
      ),
      ...places.map((proof) => `the place ${proof} stays: other accounts or kinds go from it or to it`),
    ],
    elsewhere: [
      ...(specs ? await inSpecs(ledger.pool, found, specs.stillNamed) : []),
      ...(extent.uploads > 0
        ? [`parts of ${extent.uploads} large files may stand in the targets, under names with "drover-"`]
        : []),
      ...(extent.batches > 0
        ? [`${extent.batches} batches were under way when their worker ended: whether they arrived will not be known`]
        : []),
      `Temporal keeps the histories of workflows migrate/${input.name} with specs and accounts in them, for the retention of its namespace`,
      'what was moved stays in both systems: nothing there was touched',
      reports === undefined
        ? 'the worker that answered keeps no reports; those of others stay on their disks'
        : "reports on other workers' disks, and those that `migrate report` wrote",
      'backups of the ledger, and logs of workers',
    ],
  };
}

/** Where a spec names the person still, so that the next run moves them anew. */
async function inSpecs(sql: Sql, { names, forgetting }: Found, stillNamed: boolean): Promise<string[]> {
  const others = await othersNaming(sql, forgetting.migration, names);
  return [
    'your spec file, and the file of accounts it reads: what is named there is moved anew by the next `migrate apply`',
    ...(stillNamed
      ? ['the stored spec, which names the account elsewhere than among its accounts: apply another one']
      : []),
    ...others.map((name) => `the spec of "${name}", which names the account too`),
  ];
}

async function remove(deps: ForgetDeps, found: Found, signal: AbortSignal): Promise<void> {
  const { ledger, reports } = deps;
  const { forgetting, units, names, going } = found;
  const { migration, account } = forgetting;
  if (account !== undefined) await forgetInSpecs(ledger, migration, units, names, false);
  for (const report of found.reports) await reports?.remove(report);
  await forgetRecords(ledger, forgetting, names, signal);
  for (const pairing of going) {
    signal.throwIfAborted();
    await underLease(deps, migration, pairing.target, (lease, renew) =>
      forgetPairing(ledger, lease, pairing, async () => {
        signal.throwIfAborted();
        await renew();
      }),
    );
  }
  // Keys of listings under way.
  await sweepListings(ledger);
  await ledger.transaction(async (sql) => {
    const last = await lastRun(sql, migration, true);
    if (last !== found.last) {
      throw new Fault('refused', `a run of "${migration}" began meanwhile`, {
        next: 'cancel it, and forget again: what is left will be removed then',
      });
    }
    await forgetUnits(sql, forgetting);
    await forgetPlaces(sql, [], names);
    if (account !== undefined)
      await writeEvent(sql, { migration, run: found.last }, 'info', 'units were forgotten', {
        units: forgetting.units,
      });
  });
  await sweepListings(ledger);
  // What it says of everybody else is evidence, and stands in the ledger.
  const newest = found.reports.at(-1);
  if (account !== undefined && newest) await reports?.rewrite(migration, newest.run);
}

/** Nobody writes to the target account meanwhile. */
async function underLease(
  { ledger, settings }: ForgetDeps,
  migration: string,
  place: number,
  work: (lease: Lease, renew: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const lease = await takeLease(ledger, place, randomUUID(), settings.leaseMs);
  if (!lease) {
    throw new Fault('throttled', 'another worker writes to one of these accounts just now', { retryAfterMs: 5_000 });
  }
  try {
    await work(lease, async () => {
      if (!(await renewLease(ledger, lease, migration, settings.leaseMs)))
        throw new Fault('unavailable', 'the lease on the target account was lost');
    });
  } finally {
    // It lapses by itself.
    await releaseLease(ledger, lease).catch(() => {});
  }
}
