import type { ScheduleHandle } from '@temporalio/client';
import { ScheduleNotFoundError } from '@temporalio/client';
import { makeScheduleId } from '../../workflows/messages.js';
import type { ScheduleArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { listSchedules } from '../schedules.js';
import type { Shell } from '../shell.js';
import type { TemporalAccess } from '../temporal.js';
import { withTemporal } from '../with-temporal.js';
import { printSchedules } from './list.js';

/** Lists schedules, or steers one. */
export async function run(shell: Shell, args: ScheduleArgs): Promise<number> {
  const span = args.action === 'backfill' ? readSpan(args) : undefined;
  return withTemporal(shell, args, async (temporal) => {
    if (args.action === 'list') return printSchedules(shell, args, await listSchedules(temporal, args.name));
    const { name = '', schedule = '' } = args;
    const handle = temporal.client.schedule.getHandle(makeScheduleId(name, schedule));
    try {
      shell.err(`${name}/${schedule}: ${await steer(handle, args, span)}`);
      return exitCodes.done;
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      throw await notFound(temporal, name, schedule);
    }
  });
}

async function steer(
  handle: ScheduleHandle,
  args: ScheduleArgs,
  span: { readonly start: Date; readonly end: Date } | undefined,
): Promise<string> {
  switch (args.action) {
    case 'trigger':
      // After a start that is under way, not beside it: one migration runs once at a time anyway.
      await handle.trigger('BUFFER_ONE');
      return 'started, or next in line behind the start that is under way';
    case 'pause':
      await handle.pause(args.note ?? 'paused by `migrate schedule pause`');
      return 'paused; a run that is under way goes on';
    case 'resume':
      await handle.unpause(args.note ?? 'resumed by `migrate schedule resume`');
      return 'starts again at its times';
    case 'backfill':
      if (span) await handle.backfill({ ...span, overlap: 'BUFFER_ALL' });
      return 'its starts in that time are made up for, one after the other';
    case 'remove':
      await handle.delete();
      return 'removed; the next apply of a spec that has it creates it again';
    case 'list':
      return '';
    default:
      return args.action satisfies never;
  }
}

function readSpan({ start = '', end = '' }: ScheduleArgs): { start: Date; end: Date } {
  const span = { start: new Date(start), end: new Date(end) };
  const wrong = [start, end].find((text) => !/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(Date.parse(text)));
  if (wrong !== undefined) {
    throw new CommandError(exitCodes.usage, `"${wrong}" is no time`, 'use ISO 8601, for example 2026-03-01T10:00:00Z');
  }
  if (span.start >= span.end) throw new CommandError(exitCodes.usage, '--start is not before --end');
  return span;
}

async function notFound(temporal: TemporalAccess, name: string, schedule: string): Promise<CommandError> {
  const known = (await listSchedules(temporal, name)).map((listed) => listed.schedule);
  return new CommandError(
    exitCodes.failed,
    `migration "${name}" has no schedule "${schedule}"`,
    known.length > 0 ? `it has ${known.join(', ')}` : 'it has none; `migrate apply` makes those of its spec',
  );
}
