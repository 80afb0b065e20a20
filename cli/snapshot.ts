/** How a migration stands right now: its own progress, and what its running units say in their heartbeats. */

import { WorkflowNotFoundError } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Counters } from '../words/counters.js';
import type { FileUnderWay, SliceHeartbeat } from '../words/progress.js';
import type { Phase } from '../words/units.js';
import type { Progress } from '../workflows/messages.js';
import { makeUnitId } from '../workflows/messages.js';
import { readProgress } from './migration.js';
import type { TemporalAccess } from './temporal.js';
import { isAway, until } from './with-temporal.js';

export interface Snapshot {
  readonly at: number;
  readonly progress: Progress;
  /** Of the units that ended and those that run. */
  readonly totals: Counters;
  readonly itemsPerSecond: number;
  /** Over the last half minute, where it was watched for so long; else as the slices say. */
  readonly bytesPerSecond: number;
  /** Large files under way. */
  readonly files: readonly FileUnderWay[];
  /** What fails or is tried again in running units, the largest first; of a whole slice: no items. */
  readonly troubles: readonly UnitTrouble[];
  /** Running units by what they are at. */
  readonly phases: Readonly<Record<Phase, number>>;
  /** A guess until all items of the running units are verified; absent while that cannot be told. */
  readonly secondsLeft?: number;
}

export interface UnitTrouble {
  readonly unit: number;
  readonly account?: string;
  readonly reason: string;
  readonly items?: number;
}

/** Slices pause between two heartbeats; within this time the last one still stands for the unit. */
const STALE_MS = 15_000;
/** The stretch that the time left is estimated from. */
const WINDOW_MS = 60_000;
/** The stretch that the rate is taken from. */
const RATE_WINDOW_MS = 30_000;

export interface Collector {
  /** Undefined while no worker answers. */
  collect(signal: AbortSignal): Promise<Snapshot | undefined>;
}

/** Collects snapshots of one migration; keeps the last heartbeat of each unit, so that sums do not jump. */
export function createCollector(temporal: TemporalAccess, name: string): Collector {
  const heartbeats = new Map<number, { at: number; heartbeat: SliceHeartbeat }>();
  const failing = new Map<number, UnitTrouble>();
  let marks: Mark[] = [];
  let run = 0;
  return {
    async collect(signal) {
      const progress = await readProgress(temporal, name, signal);
      if (progress === undefined) return undefined;
      if (progress.run !== run) {
        heartbeats.clear();
        marks = [];
        run = progress.run;
      }
      const at = Date.now();
      await Promise.all(
        progress.running.map(async ({ n, account }) => {
          const { heartbeat, failure } = await readSlice(temporal, name, n, signal);
          if (heartbeat) heartbeats.set(n, { at, heartbeat });
          if (failure === undefined) failing.delete(n);
          else failing.set(n, { unit: n, ...(account !== undefined && { account }), reason: failure });
        }),
      );
      const running = new Set(progress.running.map(({ n }) => n));
      for (const n of heartbeats.keys()) if (!running.has(n)) heartbeats.delete(n);
      for (const n of failing.keys()) if (!running.has(n)) failing.delete(n);
      const summed = sumUp(at, progress, [...heartbeats.values()], [...failing.values()]);
      const mark = { at, work: workDone(summed.totals), bytes: summed.totals.bytesArrived };
      marks = [...marks.filter((one) => one.at > at - WINDOW_MS), mark];
      const snapshot = { ...summed, bytesPerSecond: recentRate(summed, marks) ?? summed.bytesPerSecond };
      const secondsLeft = estimate(snapshot, marks);
      return { ...snapshot, ...(secondsLeft !== undefined && { secondsLeft }) };
    },
  };
}

/** The sums of one moment. Heartbeats that are no longer fresh keep their counters and lose their rates. */
export function sumUp(
  at: number,
  progress: Progress,
  units: readonly { readonly at: number; readonly heartbeat: SliceHeartbeat }[],
  failing: readonly UnitTrouble[] = [],
): Snapshot {
  const totals: Record<keyof Counters, number> = { ...progress.totals };
  const phases: Record<Phase, number> = { survey: 0, move: 0, verify: 0 };
  let itemsPerSecond = 0;
  let bytesPerSecond = 0;
  const files: FileUnderWay[] = [];
  const troubles: UnitTrouble[] = [...failing];
  for (const { at: seen, heartbeat } of units) {
    for (const counter of Object.keys(totals) as (keyof Counters)[])
      totals[counter] += heartbeat.counters[counter] ?? 0;
    phases[heartbeat.phase]++;
    const { unit, account } = heartbeat;
    for (const trouble of heartbeat.troubles ?? [])
      troubles.push({ unit, ...(account !== undefined && { account }), ...trouble });
    if (at - seen > STALE_MS || progress.state === 'paused') continue;
    itemsPerSecond += heartbeat.itemsPerSecond;
    bytesPerSecond += heartbeat.bytesPerSecond;
    files.push(...(heartbeat.files ?? []));
  }
  return { at, progress, totals, itemsPerSecond, bytesPerSecond, files, troubles, phases };
}

interface Mark {
  readonly at: number;
  readonly work: number;
  /** `bytesArrived` at that moment: less than a moment before where a slice ended in the middle of a file. */
  readonly bytes: number;
}

/** Moving and verifying are one step each; a failure needs neither, nor does what is skipped. */
const workDone = (totals: Counters): number =>
  totals.arrived + 2 * (totals.verified + totals.failures + totals.skipped);

/** Undefined while nothing is known of the last seconds, or nothing arrives: what is verified arrived before. */
export function recentRate(
  { at, progress }: Pick<Snapshot, 'at' | 'progress'>,
  marks: readonly Mark[],
): number | undefined {
  const recent = marks.filter((mark) => mark.at >= at - RATE_WINDOW_MS);
  const [first] = recent;
  const seconds = first === undefined ? 0 : (at - first.at) / 1000;
  if (seconds < 3 || progress.state === 'paused') return undefined;
  let bytes = 0;
  for (const [n, mark] of recent.entries()) bytes += Math.max(0, mark.bytes - (recent[n - 1] ?? mark).bytes);
  return bytes > 0 ? bytes / seconds : undefined;
}

/**
 * By items, and while files move by bytes left at their present rate too: the longer of both. Unknown while
 * a unit still counts its items, or has not begun to.
 */
export function estimate(
  snapshot: Omit<Snapshot, 'secondsLeft'>,
  marks: readonly Omit<Mark, 'bytes'>[],
): number | undefined {
  const { progress, phases, totals } = snapshot;
  const [first, last] = [marks[0], marks.at(-1)];
  if (progress.state !== 'running' || phases.survey > 0 || progress.units.waiting > 0 || !first || !last)
    return undefined;
  const seconds = (last.at - first.at) / 1000;
  const done = last.work - first.work;
  const left: number[] = [];
  if (seconds >= 3 && done > 0) left.push(((2 * totals.items - last.work) * seconds) / done);
  const files = progress.running.some((unit) => unit.kind === 'files') && phases.move > 0;
  if (files && snapshot.bytesPerSecond > 0) left.push((totals.bytes - totals.bytesArrived) / snapshot.bytesPerSecond);
  return left.length === 0 ? undefined : Math.max(0, Math.round(Math.max(...left)));
}

/** What the slice under way says, and why its attempt before that failed, if it did. */
async function readSlice(
  { client }: TemporalAccess,
  name: string,
  n: number,
  signal: AbortSignal,
): Promise<{ readonly heartbeat?: SliceHeartbeat; readonly failure?: string }> {
  try {
    const { raw } = await until(signal, client, () =>
      client.connection.withDeadline(Date.now() + 3_000, () =>
        client.workflow.getHandle(makeUnitId(name, n)).describe(),
      ),
    );
    for (const activity of raw.pendingActivities ?? []) {
      const [details] = await decodeArrayFromPayloads(
        client.options.loadedDataConverter,
        activity.heartbeatDetails?.payloads,
      );
      const failure = activity.lastFailure?.message;
      if (isHeartbeat(details) || failure)
        return { ...(isHeartbeat(details) && { heartbeat: details }), ...(failure && { failure }) };
    }
    return {};
  } catch (error) {
    // The unit ended between the two questions, or the server is busy: the next second asks again.
    if (error instanceof WorkflowNotFoundError || isAway(error) || signal.aborted) return {};
    throw error;
  }
}

function isHeartbeat(details: unknown): details is SliceHeartbeat {
  return typeof details === 'object' && details !== null && 'phase' in details && 'counters' in details;
}
