/** Keeping the ledger small, and forgetting: what `prune` and `forget` are asked, and what they answer. */

export const makePruneId = (request: string): string => `prune/${request}`;
export const makeForgetId = (name: string, request: string): string => `forget/${name}/${request}`;

/** How long what a run leaves beside the items is kept, in milliseconds. Absent: for ever. */
export interface Retention {
  /** The event log. */
  readonly events?: number;
  /** What runs changed and could not do, item by item. */
  readonly outcomes?: number;
  /** The runs themselves, with their gates and the specs that only they used. */
  readonly runs?: number;
  /** Folders in the worker's report folder. */
  readonly reports?: number;
}

export interface PruneInput {
  /** One migration; absent: all. */
  readonly name?: string;
  /** Instead of the worker's settings, for everything. */
  readonly olderThanMs?: number;
  /** Only count. */
  readonly dryRun: boolean;
}

/** How much was removed, or would be. */
export interface Pruned {
  readonly events: number;
  readonly outcomes: number;
  readonly runs: number;
  readonly gates: number;
  /** Report folders of the worker that answers, and their bytes. */
  readonly reports: number;
  readonly bytes: number;
}

export interface PruneResult {
  readonly dryRun: boolean;
  /** Those that had something to remove, by name. */
  readonly migrations: readonly (Pruned & { readonly name: string })[];
  readonly specs: number;
  /** Whether the worker that answers keeps reports at all. */
  readonly keepsReports: boolean;
}

export interface ForgetInput {
  readonly name: string;
  /** One person: an account's name on either side, as the spec has it. Absent: the whole migration. */
  readonly account?: string;
  /** Only say what would be removed. */
  readonly dryRun: boolean;
}

export interface ForgetResult {
  readonly name: string;
  readonly account?: string;
  readonly dryRun: boolean;
  readonly units: readonly ForgottenUnit[];
  /** What is removed with them; `bytes` are those of report files. */
  readonly removed: {
    readonly containers: number;
    readonly items: number;
    readonly places: number;
    readonly uploads: number;
    readonly batches: number;
    readonly events: number;
    readonly outcomes: number;
    readonly runs: number;
    readonly specs: number;
    readonly reports: number;
  };
  /** What others still use, and so stays: a sentence for each. */
  readonly kept: readonly string[];
  /** Where something of it may still be found: a sentence for each. */
  readonly elsewhere: readonly string[];
}

/** Named when the answer is printed, and nowhere else any more. */
export interface ForgottenUnit {
  readonly n: number;
  readonly selection: string;
  readonly from: string;
  readonly to: string;
}
