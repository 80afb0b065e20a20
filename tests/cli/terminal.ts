/** A shell whose output a test can read, and commands run in it as `migrate …` runs them. */
import { main } from '../../cli/run.js';
import type { Shell } from '../../cli/shell.js';
import type { TestStack } from '../e2e/stack.js';

export interface Run {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  readonly out: readonly string[];
  readonly err: readonly string[];
  /** Everything drawn on a terminal. */
  drawn(): string;
  /** Ctrl-C. */
  interrupt(): void;
}

export interface Terminal {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTty?: boolean;
  /** What is typed there. */
  readonly typed?: string;
}

/** In the folder of a stack, with its addresses. */
export function terminalAt({ dir, stack }: Pick<TestStack, 'dir' | 'stack'>): Terminal {
  return {
    cwd: dir,
    env: {
      TEMPORAL_ADDRESS: stack.temporalAddress,
      DROVER_LEDGER_URL: stack.ledgerUrl,
      DROVER_TASK_QUEUE: stack.taskQueue,
    },
  };
}

export function start(terminal: Terminal, ...argv: string[]): Run {
  const interrupt = new AbortController();
  const out: string[] = [];
  const err: string[] = [];
  let drawn = '';
  const shell: Shell = {
    argv,
    env: terminal.env,
    cwd: terminal.cwd,
    stdin: (async function* () {
      if (terminal.typed !== undefined) yield Buffer.from(terminal.typed);
    })(),
    isTty: terminal.isTty ?? false,
    columns: 100,
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    draw: (text) => {
      drawn += text;
    },
    signal: interrupt.signal,
  };
  return { ended: main(shell), out, err, drawn: () => drawn, interrupt: () => interrupt.abort() };
}

/** Runs a command to its end. */
export async function migrate(terminal: Terminal, ...argv: string[]) {
  const run = start(terminal, ...argv);
  const code = await run.ended;
  return { code, out: run.out.join('\n'), err: run.err.join('\n') };
}
