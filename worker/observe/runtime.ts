/** Installs Temporal's runtime: its logs go into ours, its metrics and ours to one Prometheus endpoint. */
import { Runtime } from '@temporalio/worker';
import type { Log } from './log.js';
import { temporalLogger } from './log.js';
import type { Meters } from './meters.js';
import { createMeters, SLICE_BUCKETS, SLICE_DURATION } from './meters.js';

export interface RuntimeSettings {
  readonly log: Log;
  /** `host:port` of the Prometheus endpoint `/metrics`; none when absent. */
  readonly metricsAddress?: string;
}

/**
 * To be called once a process, before anything else of Temporal's. Signals are left to the caller, who
 * decides about the order of the end. Throws when the address is taken.
 */
export function installRuntime({ log, metricsAddress }: RuntimeSettings): Meters {
  const runtime = Runtime.install({
    logger: temporalLogger(log.child({ of: 'temporal' })),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(metricsAddress !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: metricsAddress,
            countersTotalSuffix: true,
            unitSuffix: true,
            useSecondsForDurations: true,
            histogramBucketOverrides: { [SLICE_DURATION]: SLICE_BUCKETS },
          },
        },
      }),
    },
  });
  return createMeters(runtime.metricMeter);
}
