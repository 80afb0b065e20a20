/** A spec after validation: what the command submits and the worker reads. Plain JSON, accounts inlined. */
import type { JsonObject, Kind, Role } from '../connectors/contract.js';

export interface Spec {
  readonly version: 1;
  readonly name: string;
  readonly sources: Readonly<Record<string, SystemConfig>>;
  readonly targets: Readonly<Record<string, SystemConfig>>;
  readonly selections: readonly SelectionWithAccounts[];
  readonly schedules?: readonly Schedule[];
}

/** A spec without its lists of accounts: what slices work by, which are told their own account. */
export interface SpecRules extends Omit<Spec, 'selections'> {
  readonly selections: readonly Selection[];
}

/** One system, as `sources` or `targets` name it. `options` are those of the connector's manifest. */
export interface SystemConfig {
  readonly type: string;
  readonly limits?: Limits;
  readonly options: JsonObject;
}

/** Shared by all workers; absent means unlimited, but for connections, whose defaults are in docs/spec.md. */
export interface Limits {
  /** Open connections to the system, over the whole fleet. */
  readonly connections?: number;
  /** Open connections for one account, over the whole fleet. */
  readonly connectionsPerAccount?: number;
  readonly itemsPerSecond?: number;
  readonly bytesPerSecond?: number;
  /**
   * Bytes a second by time of day, e.g. `{ "08:00-18:00 Europe/Berlin": 2000000 }`; outside of all spans `bytesPerSecond`
   * applies, or nothing. Sizes such as `2MB/s` are numbers after validation.
   */
  readonly bandwidth?: Readonly<Record<string, number>>;
}

export interface Account {
  readonly from: string;
  readonly to: string;
}

export interface Selection {
  readonly name: string;
  readonly kind: Kind;
  readonly from: string;
  readonly to: string;
  readonly include?: Filter;
  readonly exclude?: Filter;
  /** Whether folders, calendars and address books that the target lacks are made. Default `create`. */
  readonly containers?: 'create' | 'existing';
  readonly map?: { readonly folders?: Readonly<Record<string, string>> };
  /** What a deletion in the source does in the target. Default `ignore`. */
  readonly deletions?: 'ignore' | 'mirror';
  /** With `mirror`: the share of a unit's items (0 to 1) that may go at once without approval. Default 0.1. */
  readonly maxDeletions?: number;
  /** The evidence asked for. Default `readback`. */
  readonly verify?: 'readback' | 'checksum' | 'size';
  /** Default `one-way`. `two-way` keeps both sides in step; only for kinds whose items have versions. */
  readonly mode?: 'one-way' | 'two-way';
  /** What happens when both sides changed an item, or the target has another of the same identity. Default `skip`. */
  readonly onConflict?: OnConflict;
  /**
   * What makes two contacts the same: `uid`, `email`, `phone`, `name`, or the name of a vCard property such as
   * `X-CUSTOMER-NUMBER`. Default `[uid]`.
   */
  readonly match?: readonly string[];
  /**
   * For files: what becomes of those whose names the target cannot keep, or takes for the same. Default `fail`: they are
   * refused and named.
   */
  readonly names?: 'rename' | 'skip' | 'fail';
  /** What is done with contacts that have no e-mail address. Default `move`. */
  readonly withoutEmail?: 'move' | 'skip';
  /** The share of a unit's items (0 to 1) that may fail before it is parked for a decision. Default 0.05. */
  readonly maxFailures?: number;
}

export interface SelectionWithAccounts extends Selection {
  readonly accounts: 'all' | readonly Account[];
}

/** Who wins: nobody (reported, both stay as they are), one side, the later change, or both as two items. */
export type OnConflict = 'skip' | 'source' | 'target' | 'newest' | 'both';

export interface Filter {
  /** Globs over the folder's path with `/` between levels. */
  readonly folders?: readonly string[];
  /** For mail: folders that the source knows as these, with all below them but for what is below the inbox. */
  readonly roles?: readonly Role[];
  /** Dates `YYYY-MM-DD`, compared with the message's internal date, UTC. */
  readonly since?: string;
  readonly before?: string;
  /** Sizes in bytes. */
  readonly larger?: number;
  readonly smaller?: number;
  /** For files: globs over the whole path of a file, e.g. `**` + `/*.docx`. */
  readonly files?: readonly string[];
  /** For files: durations before the run began, compared with when the content was last changed. */
  readonly olderThan?: string;
  readonly newerThan?: string;
  /** For files: media types by the ending of the name, e.g. `image/*`, `application/pdf`. */
  readonly types?: readonly string[];
}

export interface Schedule {
  readonly name: string;
  readonly selections: readonly string[];
  /** A duration such as `15m`, `6h`, `1d`. Exactly one of `every` and `cron`. */
  readonly every?: string;
  readonly cron?: string;
  readonly timezone?: string;
  /** A duration: each start is put off by a random part of it. */
  readonly jitter?: string;
  /** What a start does while an earlier one runs. Default `skip`. */
  readonly overlap?: 'skip' | 'buffer-one';
  /** How far back missed starts are made up for. Default `1h`. */
  readonly catchupWindow?: string;
  readonly paused?: boolean;
}
