/** The peer for files: rclone, with its pacer off where it can be. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Share } from './files-servers.js';
import { PASSWORD } from './files-servers.js';

export interface Rclone {
  /** Its version, and what it could not be told. */
  readonly words: string;
  /** Milliseconds for one `rclone copy`. Throws with its words when it fails. */
  copy(source: Share, target: Share): Promise<number>;
}

/** Takes `DROVER_BENCH_RCLONE`, else what is on the path. Throws when there is none. */
export async function findRclone(): Promise<Rclone> {
  const program = process.env.DROVER_BENCH_RCLONE ?? 'rclone';
  const version = (await run(program, ['version'], {})).words.split('\n')[0] ?? '';
  const hidden = (await run(program, ['obscure', PASSWORD], {})).words.trim();
  // Before 1.65 its pause of 10 ms between requests could not be changed.
  const unpaced = (await run(program, ['help', 'flags'], {})).words.includes('--webdav-pacer-min-sleep');
  const pace = unpaced ? ['--webdav-pacer-min-sleep', '0'] : [];
  return {
    words: unpaced ? version : `${version} (with its pacer: this version cannot turn it off)`,
    async copy(source, target) {
      const env = { ...remote('SOURCE', source, hidden), ...remote('TARGET', target, hidden) };
      const args = ['copy', 'source:', 'target:', '--config', '', '--transfers', '8', '--checkers', '16', ...pace];
      return (await run(program, args, env)).ms;
    },
  };
}

function remote(name: string, { url, user }: Share, hidden: string): Record<string, string> {
  const to = (option: string): string => `RCLONE_CONFIG_${name}_${option}`;
  return {
    [to('TYPE')]: 'webdav',
    [to('VENDOR')]: 'other',
    [to('URL')]: url,
    [to('USER')]: user,
    [to('PASS')]: hidden,
  };
}

async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ readonly ms: number; readonly words: string }> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let words = '';
  let complaints = '';
  child.stdout.on('data', (data: Buffer) => (words += data));
  child.stderr.on('data', (data: Buffer) => (complaints = (complaints + data).slice(-4000)));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${complaints}`);
  return { ms: performance.now() - started, words };
}
