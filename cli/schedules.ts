/** A spec's schedules as Temporal Schedules: what a spec asks for, and bringing Temporal in step with it. */
import { createHash } from 'node:crypto';
import type { ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import { ScheduleNotFoundError } from '@temporalio/client';
import { parseDuration } from '../schemas/duration.js';
import { canonicalJson } from '../schemas/hash.js';
import type { Schedule, Spec } from '../schemas/spec.js';
import type { TickInput } from '../workflows/messages.js';
import { makeMigrationId, makeScheduleId, makeTickId } from '../workflows/messages.js';
import { sameTimes } from './schedule-times.js';
import type { TemporalAccess } from './temporal.js';

const DEFAULT_CATCHUP_MS = 3_600_000;
const PAUSED_BY_SPEC = 'paused by the spec';

export type ScheduleChange = 'created' | 'configured' | 'unchanged' | 'removed' | 'left over';

export interface ScheduleOutcome {
  readonly schedule: string;
  readonly change: ScheduleChange;
}

/** What a schedule is in Temporal's words. `specHash` travels with each start, for the Web UI. */
export function scheduleOptions(
  name: string,
  schedule: Schedule,
  specHash: string,
  taskQueue: string,
): ScheduleOptions {
  const input: TickInput = { name, schedule: schedule.name, selections: schedule.selections };
  return {
    scheduleId: makeScheduleId(name, schedule.name),
    spec: {
      ...(schedule.every !== undefined && { intervals: [{ every: milliseconds(schedule.every) }] }),
      ...(schedule.cron !== undefined && { cronExpressions: [schedule.cron] }),
      ...(schedule.timezone !== undefined && { timezone: schedule.timezone }),
      ...(schedule.jitter !== undefined && { jitter: milliseconds(schedule.jitter) }),
    },
    policies: {
      overlap: schedule.overlap === 'buffer-one' ? 'BUFFER_ONE' : 'SKIP',
      catchupWindow: schedule.catchupWindow === undefined ? DEFAULT_CATCHUP_MS : milliseconds(schedule.catchupWindow),
    },
    action: {
      type: 'startWorkflow',
      workflowType: 'tick',
      workflowId: makeTickId(name, schedule.name),
      taskQueue,
      args: [input],
      memo: { specHash, scheduleHash: scheduleHash(schedule, taskQueue), starts: startWords(schedule) },
      staticSummary: `schedule ${schedule.name} of ${name}`,
    },
    state: { paused: schedule.paused ?? false, ...(schedule.paused && { note: PAUSED_BY_SPEC }) },
  };
}

/** `every 1d`, `30 2 * * * Europe/Berlin`. */
export const startWords = ({ every, cron, timezone }: Schedule): string =>
  every !== undefined ? `every ${every}` : [cron, timezone].filter(Boolean).join(' ');

/** Equal for schedules that say the same. */
export function scheduleHash(schedule: Schedule, taskQueue: string): string {
  return createHash('sha256').update(canonicalJson({ schedule, taskQueue })).digest('hex');
}

/** Whether Temporal's schedule is no longer what we made it: another spec, or a person's hand in the Web UI. */
export function differs(
  wanted: ScheduleOptions,
  found: Pick<ScheduleDescription, 'action' | 'policies' | 'spec'>,
): boolean {
  if (wanted.action.memo?.scheduleHash !== found.action.memo?.scheduleHash) return true;
  return (
    wanted.policies?.overlap !== found.policies.overlap ||
    wanted.policies?.catchupWindow !== found.policies.catchupWindow ||
    !sameTimes(wanted.spec, found.spec)
  );
}

/**
 * Creates what is missing and updates what differs. A schedule that somebody paused stays paused, unless the spec has
 * another wish and is new. Schedules that the spec no longer has are removed with `prune`, else named as left over.
 */
export async function syncSchedules(
  temporal: TemporalAccess,
  spec: Spec,
  specHash: string,
  prune: boolean,
): Promise<ScheduleOutcome[]> {
  const { schedule: schedules } = temporal.client;
  const outcomes: ScheduleOutcome[] = [];
  for (const schedule of spec.schedules ?? []) {
    const wanted = scheduleOptions(spec.name, schedule, specHash, temporal.taskQueue);
    const handle = schedules.getHandle(wanted.scheduleId);
    const found = await describe(temporal, wanted.scheduleId);
    if (found === undefined) {
      await schedules.create(wanted);
      outcomes.push({ schedule: schedule.name, change: 'created' });
      continue;
    }
    const change = differs(wanted, found);
    if (change || found.action.memo?.specHash !== specHash) {
      const { action, policies, spec: times } = wanted;
      await handle.update((previous) => ({
        action,
        spec: times,
        ...(policies && { policies }),
        state: change && hasWish(schedule, previous.state.note) ? { ...wanted.state } : previous.state,
      }));
    }
    outcomes.push({ schedule: schedule.name, change: change ? 'configured' : 'unchanged' });
  }
  const kept = new Set((spec.schedules ?? []).map((schedule) => schedule.name));
  for await (const { schedule } of scheduleNames(temporal, spec.name)) {
    if (kept.has(schedule)) continue;
    if (prune) await schedules.getHandle(makeScheduleId(spec.name, schedule)).delete();
    outcomes.push({ schedule, change: prune ? 'removed' : 'left over' });
  }
  return outcomes;
}

/** Whether the spec says if the schedule is paused; that it no longer does, counts too. */
const hasWish = (schedule: Schedule, note: string | undefined): boolean =>
  schedule.paused !== undefined || note === PAUSED_BY_SPEC;

async function describe({ client }: TemporalAccess, id: string): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(id).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

export interface ListedSchedule {
  readonly migration: string;
  readonly schedule: string;
  readonly paused: boolean;
  /** When it starts, as its spec says. */
  readonly starts?: string;
  /** Whether a start of it is under way: its run works, waits in line, or waits behind a gate. */
  readonly running: boolean;
  readonly note?: string;
  /** Absent while it is paused. */
  readonly next?: string;
  readonly last?: string;
  readonly taken: number;
  /** Starts that fell away because an earlier one was under way. */
  readonly skipped: number;
  /** Starts that were missed while Temporal was down, and lay too far back to be made up for. */
  readonly missed: number;
}

/** Schedules made by specs, of one migration or of all, by name. Temporal lists a change within some seconds. */
export async function listSchedules(temporal: TemporalAccess, name?: string): Promise<ListedSchedule[]> {
  const found: ListedSchedule[] = [];
  for await (const { migration, schedule } of scheduleNames(temporal, name)) {
    const described = await describe(temporal, makeScheduleId(migration, schedule));
    // Removed a moment ago.
    if (!described) continue;
    const { action, info, state } = described;
    const next = state.paused ? undefined : info.nextActionTimes[0]?.toISOString();
    const last = info.recentActions.at(-1)?.takenAt.toISOString();
    const starts = action.memo?.starts;
    found.push({
      migration,
      schedule,
      paused: state.paused,
      ...(typeof starts === 'string' && { starts }),
      running: info.runningActions.length > 0,
      ...(state.note && { note: state.note }),
      ...(next && { next }),
      ...(last && { last }),
      taken: info.numActionsTaken,
      skipped: info.numActionsSkippedOverlap,
      missed: info.numActionsMissedCatchupWindow,
    });
  }
  return found.sort((a, b) => (a.migration + a.schedule < b.migration + b.schedule ? -1 : 1));
}

async function* scheduleNames(
  { client }: TemporalAccess,
  name?: string,
): AsyncGenerator<{ readonly migration: string; readonly schedule: string }> {
  const prefix = name === undefined ? makeMigrationId('') : `${makeMigrationId(name)}/`;
  for await (const { scheduleId } of client.schedule.list()) {
    if (!scheduleId.startsWith(prefix)) continue;
    const [, migration, schedule, ...rest] = scheduleId.split('/');
    if (migration !== undefined && schedule !== undefined && rest.length === 0) yield { migration, schedule };
  }
}

/** The spec was validated; what does not parse here is our own error. */
function milliseconds(duration: string): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new Error(`"${duration}" is no duration`);
  return ms;
}
