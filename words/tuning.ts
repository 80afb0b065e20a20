export const TUNABLE = ['lanes', 'connections', 'connectionsPerAccount', 'itemsPerSecond', 'bytesPerSecond'] as const;
export type Tunable = (typeof TUNABLE)[number];

/** What `migrate retune` changes. */
export interface TuningInput {
  /** What is taken back first, so that the spec's own limits hold again: all, or these. */
  readonly reset?: true | readonly Tunable[];
  /** Units at once. */
  readonly lanes?: number;
  /** Open connections to each system, and for each account, over all workers. */
  readonly connections?: number;
  readonly connectionsPerAccount?: number;
  readonly itemsPerSecond?: number;
  readonly bytesPerSecond?: number;
}

/** What is tuned after a change. */
export function retuned(before: TuningInput, { reset = [], ...values }: TuningInput): TuningInput {
  const kept = TUNABLE.filter((name) => reset !== true && !reset.includes(name) && before[name] !== undefined);
  return { ...Object.fromEntries(kept.map((name) => [name, before[name]])), ...values };
}
