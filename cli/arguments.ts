/** What each command is handed: positional arguments by name, options in camel case, and the global ones. */
import type { Kind } from '../connectors/contract.js';
import type { Tunable } from '../words/tuning.js';
import type { OutputFormat } from './output.js';

/** Options every command understands. What is absent comes from the environment (see cli/temporal.ts). */
export interface GlobalArgs {
  /** Temporal's host and port. */
  readonly address?: string;
  readonly namespace?: string;
  /** A profile of Temporal's configuration file. */
  readonly profile?: string;
  readonly output: OutputFormat;
  /** False after `--no-color`; NO_COLOR and the terminal are looked at by `createStyle`. */
  readonly color: boolean;
}

interface Named extends GlobalArgs {
  /** The migration's name, as its spec says. */
  readonly name: string;
}
/** A part of a spec, by names. */
export interface PartArgs {
  readonly selection?: readonly string[];
  /** By their names on either side. */
  readonly account?: readonly string[];
}
interface OfUnit extends Named {
  readonly unit?: number;
}

export interface ValidateArgs extends GlobalArgs {
  /** Path of the spec, or `-` for stdin. */
  readonly spec: string;
  /** Warnings fail too. */
  readonly strict?: boolean;
}
export type SchemaArgs = GlobalArgs;
export interface ConnectorsArgs extends GlobalArgs {
  /** One connector, to see its options. */
  readonly connector?: string;
}
export interface InitArgs extends GlobalArgs {
  readonly file?: string;
  readonly from: string;
  /** Absent: the same connector, where it can be a target. */
  readonly to?: string;
  readonly kind?: Kind;
  readonly name: string;
}
export interface CompletionArgs extends GlobalArgs {
  readonly shell: 'bash' | 'zsh' | 'fish';
}
export interface PlanArgs extends GlobalArgs, PartArgs {
  readonly spec: string;
  /** Each account with its folders. */
  readonly details?: boolean;
  readonly detailedExitcode?: boolean;
  /** A file for all that would be deleted. */
  readonly deletions?: string;
}
export interface ApplyArgs extends GlobalArgs, PartArgs {
  readonly spec: string;
  readonly dryRun?: boolean;
  readonly watch?: boolean;
  readonly wait?: boolean;
  readonly timeoutMs?: number;
  readonly replace?: boolean;
  readonly prune?: boolean;
}
export type StatusArgs = Named;
export interface ListArgs extends GlobalArgs {
  /** A migration, whose runs are listed. */
  readonly name?: string;
  readonly schedules?: boolean;
}
export type WatchArgs = Named;
export interface LogsArgs extends OfUnit {
  readonly follow?: boolean;
  /** A duration back from now, or a time in ISO 8601. */
  readonly since?: string;
}
export type PauseArgs = Named;
export type ResumeArgs = Named;
export interface CancelArgs extends Named {
  readonly timeoutMs?: number;
}
export interface RetryArgs extends OfUnit, PartArgs {}
export interface ApproveArgs extends OfUnit, PartArgs {
  /** Nobody is asked. */
  readonly yes?: boolean;
  /** A file for all that an approval would cover; nothing is approved. */
  readonly list?: string;
}
export type CredentialsArgs = OfUnit;
export interface RetuneArgs extends Named {
  /** What is taken back: all, or these. */
  readonly reset?: true | readonly Tunable[];
  readonly connections?: number;
  readonly connectionsPerAccount?: number;
  readonly itemsPerSecond?: number;
  readonly bytesPerSecond?: number;
  readonly lanes?: number;
}
export interface VerifyArgs extends Named, PartArgs {
  readonly wait?: boolean;
  readonly timeoutMs?: number;
}
export interface ReportArgs extends Named {
  /** The folder the report is written to. */
  readonly out?: string;
  readonly run?: number;
}
export interface ScheduleArgs extends GlobalArgs {
  readonly action: 'list' | 'trigger' | 'pause' | 'resume' | 'backfill' | 'remove';
  /** The migration; absent only for `list`. */
  readonly name?: string;
  /** The schedule's name in the spec; absent only for `list`. */
  readonly schedule?: string;
  /** `pause` and `resume`: why, shown in the Web UI. */
  readonly note?: string;
  /** `backfill`: times in ISO 8601. */
  readonly start?: string;
  readonly end?: string;
}
export interface DoctorArgs extends GlobalArgs, PartArgs {
  readonly spec?: string;
  /** So many accounts of each selection; absent: all. */
  readonly sample?: number;
}
export interface PruneArgs extends GlobalArgs {
  /** One migration; absent: all. */
  readonly name?: string;
  /** Absent: as old as the worker's settings say. */
  readonly olderThanMs?: number;
  readonly dryRun?: boolean;
}
export interface ForgetArgs extends Named {
  /** One person's, by either side's name. */
  readonly account?: string;
  readonly dryRun?: boolean;
  /** Nobody is asked. */
  readonly yes?: boolean;
}
export type WorkerArgs = GlobalArgs;
export interface DevArgs extends GlobalArgs {
  readonly dir: string;
}
export interface CodecServerArgs extends GlobalArgs {
  readonly port?: number;
}

/** Of every verb. */
export interface ArgsOf {
  apply: ApplyArgs;
  approve: ApproveArgs;
  cancel: CancelArgs;
  'codec-server': CodecServerArgs;
  completion: CompletionArgs;
  connectors: ConnectorsArgs;
  credentials: CredentialsArgs;
  dev: DevArgs;
  doctor: DoctorArgs;
  forget: ForgetArgs;
  init: InitArgs;
  list: ListArgs;
  logs: LogsArgs;
  pause: PauseArgs;
  plan: PlanArgs;
  prune: PruneArgs;
  report: ReportArgs;
  resume: ResumeArgs;
  retry: RetryArgs;
  retune: RetuneArgs;
  schedule: ScheduleArgs;
  schema: SchemaArgs;
  status: StatusArgs;
  validate: ValidateArgs;
  verify: VerifyArgs;
  watch: WatchArgs;
  worker: WorkerArgs;
}

export type Verb = keyof ArgsOf;
