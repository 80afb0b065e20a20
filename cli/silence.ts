/** Who fell silent: units whose worker is gone, or frozen, told from those that only wait their turn. */
import type { SliceSeen } from './slices.js';

/** A unit whose slice is at work for nobody. */
export interface LostUnit {
  readonly unit: number;
  /** Whose it is, as people know it. */
  readonly account?: string;
  readonly selection?: string;
  /**
   * `silent`: its worker has not been heard of, for so many seconds; `given-up`: another one takes its work up, once it is
   * there, and the lease of the first has ended.
   */
  readonly why: 'silent' | 'given-up';
  readonly seconds: number;
  /** Who was at work on it. */
  readonly worker?: string;
}

/** Slices tell where they are each second. */
const SILENT_MS = 5_000;
/** Clocks of two machines differ: what they say of each other counts from here on. */
const SILENT_BY_CLOCK_MS = 20_000;

export interface Silences {
  /** Notes what was seen of a unit's slice, and returns how it stands: at work, lost, or neither. */
  note(at: number, unit: number, seen: SliceSeen): { readonly isHeard: boolean; readonly lost?: LostUnit };
  forget(unit: number): void;
  units(): Iterable<number>;
}

export function createSilences(): Silences {
  const marks = new Map<number, { readonly sign: string; readonly since: number }>();
  return {
    note(at, unit, seen) {
      const sign = `${seen.attempt} ${seen.isScheduled} ${seen.heardAt} ${seen.dueAt}`;
      const before = marks.get(unit);
      const since = before?.sign === sign ? before.since : firstSeen(at, seen, before !== undefined);
      marks.set(unit, { sign, since });
      const silentMs = at - since;
      const lost = lostBy(unit, seen, silentMs);
      return { isHeard: seen.isBeating && !lost, ...(lost && { lost }) };
    },
    forget: (unit) => void marks.delete(unit),
    units: () => marks.keys(),
  };
}

/** Of what is seen for the first time only the clocks tell how long it has been so. */
function firstSeen(at: number, { heardAt, dueAt, isScheduled }: SliceSeen, isKnown: boolean): number {
  const last = isScheduled ? dueAt : heardAt;
  return !isKnown && last > 0 && at - last > SILENT_BY_CLOCK_MS ? last : Math.max(at, isScheduled ? dueAt : 0);
}

function lostBy(unit: number, seen: SliceSeen, silentMs: number): LostUnit | undefined {
  const { worker } = seen;
  const told = {
    unit,
    seconds: Math.max(0, Math.round(silentMs / 1000)),
    ...(worker !== '' && { worker }),
  };
  // One that nobody has taken up only waits its turn, as long as it is the first time.
  if (!seen.isScheduled && silentMs > SILENT_MS) return { ...told, why: 'silent' };
  return seen.wasLost && !seen.isBeating ? { ...told, why: 'given-up' } : undefined;
}
