/** Our own metrics, beside those of Temporal's SDK. Labels never name people. */
import type { MetricMeter } from '@temporalio/common';

export interface Labels {
  /** The migration's name. */
  readonly migration: string;
  readonly kind: string;
}

export interface Meters {
  /** Items written to targets. */
  itemsMoved(count: number, labels: Labels): void;
  /** Bytes written to targets. */
  bytesMoved(bytes: number, labels: Labels): void;
  /** Items proven to be in the target, unchanged. */
  itemsVerified(count: number, labels: Labels): void;
  /** Faults by their code (connectors/errors.ts), retried ones included. */
  fault(code: string, labels: Labels): void;
  /** Gates opened, by reason: units that began to wait for a person or for time. */
  gateOpened(reason: string, labels: Labels): void;
  /** How long a slice of work took, in seconds. */
  sliceTook(seconds: number, labels: Labels): void;
}

/** Bounds of the histogram's buckets in seconds; a slice is meant to take 10 to 60. */
export const SLICE_BUCKETS = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 45, 60, 120];
export const SLICE_DURATION = 'drover_slice_duration';

/** Works with the meter of a runtime and with the one an activity's context offers. */
export function createMeters(meter: MetricMeter): Meters {
  const items = meter.createCounter('drover_items_moved', 'items', 'Items written to targets.');
  const bytes = meter.createCounter('drover_bytes_moved', 'bytes', 'Bytes written to targets.');
  const verified = meter.createCounter('drover_items_verified', 'items', 'Items proven to be in the target.');
  const faults = meter.createCounter('drover_faults', 'faults', 'Faults, by code; retried ones included.');
  const gates = meter.createCounter('drover_gates_opened', 'gates', 'Units that began to wait, by reason.');
  const slices = meter.createHistogram(SLICE_DURATION, 'float', 'seconds', 'Duration of slices of work.');
  const tags = ({ migration, kind }: Labels) => ({ migration, kind });
  return {
    itemsMoved: (count, labels) => items.add(count, tags(labels)),
    bytesMoved: (count, labels) => bytes.add(count, tags(labels)),
    itemsVerified: (count, labels) => verified.add(count, tags(labels)),
    fault: (code, labels) => faults.add(1, { ...tags(labels), code }),
    gateOpened: (reason, labels) => gates.add(1, { ...tags(labels), reason }),
    sliceTook: (seconds, labels) => slices.record(seconds, tags(labels)),
  };
}
