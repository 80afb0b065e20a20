import type { ListArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import { print, table } from '../output.js';
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

/** Every migration by its last execution, newest first; or the schedules. */
export async function run(shell: Shell, args: ListArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    if (args.schedules) return printSchedules(shell, args, await listSchedules(temporal));
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
          ['migration', 'schedule', 'state', 'next', 'last', 'note'],
          schedules.map((s) => [
            s.migration,
            s.schedule,
            s.paused ? 'paused' : 'active',
            s.next ?? '',
            s.last ?? '',
            s.note ?? '',
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
