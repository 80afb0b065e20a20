import type { Shell } from './shell.js';

export interface Recording {
  readonly shell: Shell;
  /** Lines so far. */
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** A shell for tests: nothing of this process but what is handed in, and all lines kept. */
export function createRecordingShell(
  given: Partial<Omit<Shell, 'out' | 'err' | 'stdin'>> & { readonly stdin?: string } = {},
): Recording {
  const out: string[] = [];
  const err: string[] = [];
  const { stdin = '', ...rest } = given;
  const shell: Shell = {
    argv: [],
    env: {},
    cwd: process.cwd(),
    isTty: false,
    columns: 80,
    draw: (text) => void out.push(text),
    signal: new AbortController().signal,
    ...rest,
    stdin: (async function* () {
      yield Buffer.from(stdin);
    })(),
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
  };
  return { shell, out, err };
}
