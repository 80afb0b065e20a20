/** How a migration stands right now: its own progress, and what its running units say in their heartbeats. */
import type { Counters } from '../words/counters.js';
import type { FileUnderWay, SliceHeartbeat } from '../words/progress.js';
import type { Phase, UnitCall } from '../words/units.js';
import type { Progress } from '../workflows/messages.js';
import { readProgress } from './migration.js';
import type { TimeLeft } from './pace.js';
import { createPace } from './pace.js';
import type { LostUnit } from './silence.js';
import { createSilences } from './silence.js';
import { readSlice } from './slices.js';
import type { TemporalAccess } from './temporal.js';
import { isAway } from './with-temporal.js';
import type { WorkerSeen } from './workers.js';
import { workersAsking } from './workers.js';

export interface Snapshot {
  readonly at: number;
  readonly progress: Progress;
  /** Of all units: those that run as they told last, the others as they ended. */
  readonly totals: Counters;
  readonly itemsPerSecond: number;
  /** Over the last half minute, where it was watched for so long; else as the slices say. */
  readonly bytesPerSecond: number;
  /** Units at work, as their slices tell, in the order of their numbers. */
  readonly atWork: readonly SliceHeartbeat[];
  /** Large files under way. */
  readonly files: readonly FileUnderWay[];
  /** What fails or is tried again in running units, the largest first; of a whole slice: no items. */
  readonly troubles: readonly UnitTrouble[];
  /** Running units by what they are at. */
  readonly phases: Readonly<Record<Phase, number>>;
  /** Units whose worker fell silent. */
  readonly lost: readonly LostUnit[];
  /** No worker has answered for so many seconds: what is shown is as old as that. */
  readonly silentSeconds?: number;
  /** Who asks for work, where that was asked. */
  readonly workers?: readonly WorkerSeen[];
  readonly left: TimeLeft;
}

export interface UnitTrouble {
  readonly unit: number;
  readonly account?: string;
  readonly reason: string;
  readonly items?: number;
}

/** What a running unit told last. */
export interface UnitAtWork {
  readonly heartbeat: SliceHeartbeat;
  /** It is from just now; else it keeps its counters and loses its rates. */
  readonly isHeard: boolean;
}

export interface Collector {
  /** Undefined while no worker has answered yet: `workers` are those there might be. */
  collect(signal: AbortSignal): Promise<Snapshot | undefined>;
  /** As last seen. */
  readonly workers: readonly WorkerSeen[] | undefined;
}

/** Who asks for work is looked at again after so long, and while nobody answers. */
const WORKERS_EVERY_MS = 10_000;

/** The first heartbeat of a slice comes within this time after the last of the one before. */
const BETWEEN_MS = 5_000;

/** Collects snapshots of one migration; keeps the last heartbeat of each unit, so that sums do not jump. */
export function createCollector(temporal: TemporalAccess, name: string): Collector {
  const heartbeats = new Map<number, UnitAtWork>();
  const failing = new Map<number, UnitTrouble>();
  const lost = new Map<number, LostUnit>();
  const silences = createSilences();
  let pace = createPace();
  let last: Progress | undefined;
  let answeredAt = 0;
  let workers: readonly WorkerSeen[] | undefined;
  let workersAt = Number.NEGATIVE_INFINITY;
  let heardAt = Number.NEGATIVE_INFINITY;

  /** Whoever is not there is not waited for. */
  const ask = async (signal: AbortSignal): Promise<Progress | undefined> => {
    const nobody = new AbortController();
    const asked = readProgress(temporal, name, AbortSignal.any([signal, nobody.signal]));
    if (Date.now() - workersAt >= WORKERS_EVERY_MS || answeredAt === 0) {
      workers = await seenWorkers(temporal);
      workersAt = Date.now();
      if (workers?.length === 0) nobody.abort();
    }
    return asked;
  };
  const see = async (at: number, { n, account, selection }: UnitCall, signal: AbortSignal): Promise<void> => {
    const known = account === undefined ? {} : { account };
    const seen = await readSlice(temporal, name, n, signal);
    if (!seen) return;
    const { isHeard, lost: one } = silences.note(at, n, seen);
    const heartbeat = joined(heartbeats.get(n)?.heartbeat, seen.heartbeat);
    if (heartbeat) heartbeats.set(n, { heartbeat: { ...known, ...heartbeat }, isHeard });
    if (isHeard) heardAt = at;
    if (one) lost.set(n, { ...known, selection, ...one });
    else lost.delete(n);
    if (seen.failure === undefined) failing.delete(n);
    else failing.set(n, { unit: n, ...known, reason: seen.failure });
  };
  const forgetOthers = (running: ReadonlySet<number>): void => {
    for (const kept of [heartbeats, failing, lost]) for (const n of kept.keys()) if (!running.has(n)) kept.delete(n);
    for (const n of silences.units()) if (!running.has(n)) silences.forget(n);
  };

  return {
    get workers() {
      return workers;
    },
    async collect(signal) {
      const answer = await ask(signal);
      const at = Date.now();
      if (answer) answeredAt = at;
      const progress = answer ?? last;
      if (progress === undefined || signal.aborted) return undefined;
      if (progress.run !== last?.run) {
        heartbeats.clear();
        pace = createPace();
      }
      last = progress;
      await Promise.all(progress.running.map((call) => see(at, call, signal)));
      forgetOthers(new Set(progress.running.map(({ n }) => n)));
      const summed = sumUp(at, progress, [...heartbeats.values()], {
        failing: [...failing.values()],
        lost: [...lost.values()],
      });
      // From one slice to the next nobody is heard for a moment.
      const isWorking = answer !== undefined && at - heardAt <= BETWEEN_MS && lost.size < progress.running.length;
      const { state, units } = progress;
      pace.note({ at, state, units, totals: summed.totals, phases: summed.phases, isWorking });
      return {
        ...summed,
        ...(workers && { workers }),
        ...(answer === undefined && { silentSeconds: Math.round((at - answeredAt) / 1000) }),
        bytesPerSecond: pace.bytesPerSecond() ?? summed.bytesPerSecond,
        left: pace.timeLeft(),
      };
    },
  };
}

/** What a slice tells before it has counted may be older than what the one before it told last. */
export function joined(
  before: SliceHeartbeat | undefined,
  now: SliceHeartbeat | undefined,
): SliceHeartbeat | undefined {
  return now?.isOld && before ? { ...now, counters: before.counters } : (now ?? before);
}

async function seenWorkers(temporal: TemporalAccess): Promise<readonly WorkerSeen[] | undefined> {
  try {
    return await workersAsking(temporal);
  } catch (error) {
    if (isAway(error)) return undefined;
    throw error;
  }
}

interface Trouble {
  readonly failing?: readonly UnitTrouble[];
  readonly lost?: readonly LostUnit[];
}

/** The sums of one moment. */
export function sumUp(
  at: number,
  progress: Progress,
  units: readonly UnitAtWork[],
  { failing = [], lost = [] }: Trouble = {},
): Snapshot {
  const totals: Record<keyof Counters, number> = { ...progress.totals };
  const phases: Record<Phase, number> = { survey: 0, move: 0, verify: 0 };
  let itemsPerSecond = 0;
  let bytesPerSecond = 0;
  const files: FileUnderWay[] = [];
  const troubles: UnitTrouble[] = [...failing];
  const atWork = units.map(({ heartbeat }) => heartbeat).sort((a, b) => a.unit - b.unit);
  for (const { isHeard, heartbeat } of units) {
    for (const counter of Object.keys(totals) as (keyof Counters)[])
      totals[counter] += (heartbeat.counters[counter] ?? 0) - (heartbeat.summed?.[counter] ?? 0);
    phases[heartbeat.phase]++;
    const { unit, account } = heartbeat;
    for (const trouble of heartbeat.troubles ?? [])
      troubles.push({ unit, ...(account !== undefined && { account }), ...trouble });
    if (!isHeard || progress.state === 'paused') continue;
    itemsPerSecond += heartbeat.itemsPerSecond;
    bytesPerSecond += heartbeat.bytesPerSecond;
    files.push(...(heartbeat.files ?? []));
  }
  const left: TimeLeft = { untold: progress.state === 'paused' ? 'paused' : 'measuring' };
  return { at, progress, totals, itemsPerSecond, bytesPerSecond, atWork, files, troubles, phases, lost, left };
}
