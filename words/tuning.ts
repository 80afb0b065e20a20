/** What `migrate retune` changes. */
export interface TuningInput {
  /** Units at once. */
  readonly lanes?: number;
  /** Open connections to each system, and for each account, over all workers. */
  readonly connections?: number;
  readonly connectionsPerAccount?: number;
  readonly itemsPerSecond?: number;
  readonly bytesPerSecond?: number;
}
