import type { ReportRun } from '../../ledger/report.js';
import { readRuns } from '../../ledger/report.js';
import { reasonWords } from '../../report/text.js';
import type { Counters } from '../../words/counters.js';
import { ago, count, duration } from '../../words/numbers.js';
import type { ListArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { migrationHandle, readProgress, readResult } from '../migration.js';
import { withLedger } from '../open-ledger.js';
import { print, printable, table } from '../output.js';
import type { ListedSchedule } from '../schedules.js';
import { listSchedules } from '../schedules.js';
import type { Shell } from '../shell.js';
import type { TemporalAccess } from '../temporal.js';
import { until, withTemporal } from '../with-temporal.js';

interface Listed {
  readonly migration: string;
  readonly state: string;
  readonly started: string;
  readonly ended?: string;
  /** Where its items stand; absent where nobody says so within a second. */
  readonly totals?: Pick<Counters, 'items' | 'verified' | 'failures'>;
}

/** Every migration by its last execution, newest first; or the schedules; or the runs of one migration. */
export async function run(shell: Shell, args: ListArgs): Promise<number> {
  if (args.name !== undefined && !args.schedules) return printRuns(shell, args, args.name);
  return withTemporal(shell, args, async (temporal) => {
    if (args.schedules) return printSchedules(shell, args, await listSchedules(temporal, args.name));
    const migrations = await withTotals(temporal, shell, await listMigrations(temporal));
    await print(shell, args.output, migrations, () =>
      migrations.length === 0
        ? ['no migration yet']
        : table(
            ['migration', 'state', 'started', 'ended', 'items'],
            migrations.map((m) => [m.migration, m.state, since(m.started), since(m.ended), itemWords(m)]),
          ),
    );
    return exitCodes.done;
  });
}

const since = (at: string | undefined): string => (at === undefined ? '' : ago(new Date(at)));

function itemWords({ totals }: Listed): string {
  if (!totals) return '';
  const { items, verified, failures } = totals;
  return `${count(verified)} of ${count(items)} verified${failures > 0 ? `, ${count(failures)} failed` : ''}`;
}

/** The history of a migration, newest first, as the ledger remembers it. */
async function printRuns(shell: Shell, args: ListArgs, name: string): Promise<number> {
  return withLedger(shell, async (ledger) => {
    const runs = (await readRuns(ledger.pool, name)).toReversed();
    if (runs.length === 0) {
      throw new CommandError(
        exitCodes.failed,
        `the ledger knows no run of "${name}"`,
        '`migrate list` shows the migrations; a run is in the ledger as soon as a worker has taken it',
      );
    }
    await print(shell, args.output, runs.map(told), () =>
      table(['run', 'why', 'state', 'began', 'took', 'items', ...COUNTERS, 'failed'], runs.map(runRow)),
    );
    return exitCodes.done;
  });
}

const COUNTERS = ['created', 'updated', 'moved', 'skipped', 'removed', 'conflicts'] as const;

function runRow(run: ReportRun): (string | number)[] {
  const counted = (counter: string): string | number => {
    const value = run.totals?.[counter];
    return typeof value === 'number' ? value : '';
  };
  return [
    run.number,
    reasonWords(run),
    run.state,
    ago(run.startedAt),
    run.endedAt ? duration(run.endedAt.getTime() - run.startedAt.getTime()) : '',
    counted('items'),
    ...COUNTERS.map(counted),
    counted('failures'),
  ];
}

const told = ({ number, specHash, endedAt, ...run }: ReportRun): object => ({
  run: number,
  spec: specHash,
  ...run,
  endedAt,
  ...(endedAt && { seconds: (endedAt.getTime() - run.startedAt.getTime()) / 1000 }),
});

/** Shared with `schedule list`. */
export async function printSchedules(
  shell: Shell,
  args: Pick<ListArgs, 'output'>,
  schedules: readonly ListedSchedule[],
): Promise<number> {
  await print(shell, args.output, schedules, () =>
    schedules.length === 0
      ? ['no schedule']
      : table(
          ['migration', 'schedule', 'starts', 'state', 'next', 'last', 'taken', 'skipped', 'missed', 'note'],
          schedules.map((s) => [
            s.migration,
            s.schedule,
            s.starts ?? '',
            `${s.paused ? 'paused' : 'active'}${s.running ? ', running' : ''}`,
            since(s.next),
            since(s.last),
            s.taken,
            s.skipped,
            s.missed,
            printable(s.note ?? ''),
          ]),
        ),
  );
  return exitCodes.done;
}

/** So long a list waits for what workers say, in milliseconds. */
const ANSWER_MS = 1_000;

async function withTotals(temporal: TemporalAccess, shell: Shell, listed: readonly Listed[]): Promise<Listed[]> {
  const inTime = AbortSignal.any([shell.signal, AbortSignal.timeout(ANSWER_MS)]);
  const totals = await Promise.all(
    listed.map(async ({ migration, ended }) => {
      if (ended === undefined) return (await readProgress(temporal, migration, inTime))?.totals;
      const end = await until(inTime, temporal.client, () => readResult(migrationHandle(temporal, migration))).catch(
        () => undefined,
      );
      return end && 'result' in end ? end.result.totals : undefined;
    }),
  );
  return listed.map((each, index) => {
    const { items, verified, failures } = totals[index] ?? {};
    return items === undefined || verified === undefined || failures === undefined
      ? each
      : { ...each, totals: { items, verified, failures } };
  });
}

async function listMigrations({ client }: TemporalAccess): Promise<Listed[]> {
  const found = new Map<string, Listed & { at: number }>();
  for await (const { workflowId, status, startTime, closeTime, searchAttributes } of client.workflow.list({
    query: 'WorkflowType = "migration"',
  })) {
    const migration = workflowId.replace(/^migrate\//, '');
    if ((found.get(migration)?.at ?? 0) >= startTime.getTime()) continue;
    const own = searchAttributes.DroverState?.[0];
    const temporalState = status.name.toLowerCase();
    found.set(migration, {
      migration,
      // A workflow that was terminated never said so itself.
      state:
        typeof own === 'string' && (status.name === 'RUNNING' || status.name === 'COMPLETED') ? own : temporalState,
      started: startTime.toISOString(),
      ...(closeTime && { ended: closeTime.toISOString() }),
      at: startTime.getTime(),
    });
  }
  return [...found.values()].sort((a, b) => b.at - a.at).map(({ at, ...listed }) => listed);
}
