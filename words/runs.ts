/** Runs: why one is asked for, and how it ends. */
export type RunReason = 'apply' | 'schedule' | 'retry' | 'verify';

export type RunState = 'running' | 'done' | 'failed' | 'cancelled' | 'replaced';
