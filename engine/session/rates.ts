/** The rates that hold for a system: the spec's limits, its timetable, and what `migrate retune` says. */
import type { Tuning } from '../../ledger/leases.js';
import { bandwidthNow } from '../../schemas/bandwidth.js';
import type { SystemConfig } from '../../schemas/spec.js';
import { systemScope } from './connections.js';

export interface Rates {
  /** Who shares the buckets: all that talk to the same system. */
  readonly scope: string;
  /** Per second; undefined: as fast as it goes. */
  readonly items: number | undefined;
  readonly bytes: number | undefined;
}

/** Answers what holds at the moment it is asked: by timetable and by `retune` that changes. */
export function createRates(config: SystemConfig, tuning: () => Tuning): () => Rates {
  const scope = systemScope(config);
  const { limits } = config;
  return () => {
    const { itemsPerSecond, bytesPerSecond } = tuning();
    const steady = bytesPerSecond ?? limits?.bytesPerSecond;
    const timed = limits?.bandwidth && bandwidthNow(limits.bandwidth, Date.now());
    return {
      scope,
      items: itemsPerSecond ?? limits?.itemsPerSecond,
      // The timetable's rate and the steady one hold together: the lower counts.
      bytes: steady === undefined || timed === undefined ? (steady ?? timed) : Math.min(steady, timed),
    };
  };
}
