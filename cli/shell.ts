import type { Waiting } from './waiting.js';
import { createWaiting } from './waiting.js';

/** Everything a command may touch of the world around it, so that a test can hand it another one. */
export interface Shell {
  /** The arguments after the command's own name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Whether stdout is a terminal: colours and progress bars, else plain text and NDJSON. */
  readonly isTty: boolean;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Writes a line of data to stdout. */
  readonly out: (line: string) => void;
  /** Writes a line of anything else to stderr. */
  readonly err: (line: string) => void;
  /** Writes to stdout without a line end: a progress bar that is drawn over. Only on a terminal. */
  readonly draw: (text: string) => void;
  /** Says on stderr what is waited for. Absent: nowhere. */
  readonly waiting?: Waiting;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/**
 * The shell of this process. The first SIGINT or SIGTERM aborts `signal`; a second one ends the process at
 * once with 130. Call `release` when the command is over.
 */
export function processShell(): { readonly shell: Shell; readonly release: () => void } {
  const interrupted = new AbortController();
  const interrupt = (): void => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // `migrate list | head` closes the pipe; that is the reader's wish, not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const waiting = createWaiting({
    isTty: process.stderr.isTTY === true && process.env.TERM !== 'dumb',
    columns: process.stderr.columns || 80,
    line: (text) => void process.stderr.write(`${text}\n`),
    over: (text) => void process.stderr.write(text),
  });
  /** What is waited for stands in the line that something else is written to now. */
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    waiting.clear();
    stream.write(text);
  };
  return {
    shell: {
      argv: process.argv.slice(2),
      env: process.env,
      cwd: process.cwd(),
      stdin: process.stdin,
      isTty: process.stdout.isTTY === true,
      columns: process.stdout.columns || 80,
      out: (line) => write(process.stdout, `${line}\n`),
      err: (line) => write(process.stderr, `${line}\n`),
      draw: (text) => write(process.stdout, text),
      waiting,
      signal: interrupted.signal,
    },
    release: () => {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}
