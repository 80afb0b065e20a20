import type { ReportRun } from '../../ledger/report.js';
import { readRuns } from '../../ledger/report.js';
import { reasonWords, time } from '../../report/text.js';
import { duration } from '../../words/numbers.js';
import type { ListArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { withLedger } from '../open-ledger.js';
import { print, printable, table } from '../output.js';
import type { ListedSchedule } from '../schedules.js';
import { listSchedules } from '../schedules.js';
import type { Shell } from '../shell.js';
import type { TemporalAccess } from '../temporal.js';
import { withTemporal } from '../with-temporal.js';

interface Listed {
  readonly migration: string;
  readonly state: string;
  readonly started: string;
  readonly ended?: string;
}

/** Every migration by its last execution, newest first; or the schedules; or the runs of one migration. */
export async function run(shell: Shell, args: ListArgs): Promise<number> {
  if (args.name !== undefined && !args.schedules) return printRuns(shell, args, args.name);
  return withTemporal(shell, args, async (temporal) => {
    if (args.schedules) return printSchedules(shell, args, await listSchedules(temporal, args.name));
    const migrations = await listMigrations(temporal);
    await print(shell, args.output, migrations, () =>
      migrations.length === 0
        ? ['no migration yet']
        : table(
            ['migration', 'state', 'started', 'ended'],
            migrations.map((m) => [m.migration, m.state, m.started, m.ended ?? '']),
          ),
    );
    return exitCodes.done;
  });
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
    time(run.startedAt),
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
            s.next ?? '',
            s.last ?? '',
            s.taken,
            s.skipped,
            s.missed,
            printable(s.note ?? ''),
          ]),
        ),
  );
  return exitCodes.done;
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
