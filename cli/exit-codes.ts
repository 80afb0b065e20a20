/** What the command's exit code says. */
export const exitCodes = {
  /** Done, or nothing to do. */
  done: 0,
  /** Finished, with failures. */
  failed: 1,
  /** `plan --detailed-exitcode`: there is something to do. */
  changes: 2,
  /** The command line is wrong. */
  usage: 64,
  /** The spec is wrong. */
  invalidSpec: 65,
  /** Temporal, the ledger or a worker cannot be reached. */
  unreachable: 69,
  /** `--timeout` passed while waiting. */
  timedOut: 75,
  /** Ended by Ctrl-C or a signal. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/**
 * Ends a command with a sentence on stderr and this exit code. `next` says what to do about it.
 * Thrown by commands; `main` is the only one to catch it.
 */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly next: string | undefined;

  constructor(exitCode: ExitCode, message: string, next?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.next = next;
  }
}
