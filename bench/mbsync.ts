/** The peer: isync's mbsync from Debian, at its best settings. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface MbsyncJob {
  readonly dir: string;
  readonly name: string;
  readonly source: { readonly port: number; readonly user: string };
  readonly target: { readonly port: number; readonly user: string };
  readonly password: string;
  readonly patterns: readonly string[];
}

/** Runs one mbsync process and returns its wall time in milliseconds. Throws with its words when it fails. */
export async function runMbsync(job: MbsyncJob): Promise<number> {
  const dir = join(job.dir, job.name);
  await mkdir(join(dir, 'state'), { recursive: true });
  const config = join(dir, 'mbsyncrc');
  const store = (name: string, side: { readonly port: number; readonly user: string }): string => `
IMAPAccount ${name}
Host 127.0.0.1
Port ${side.port}
User ${side.user}
Pass ${job.password}
SSLType None
AuthMechs LOGIN
PipelineDepth 1000

IMAPStore ${name}
Account ${name}
`;
  await writeFile(
    config,
    `FSync no\n${store('far', job.source)}${store('near', job.target)}
Channel move
Far :far:
Near :near:
Patterns ${job.patterns.map((p) => `"${p}"`).join(' ')}
Create Near
Sync Pull
SyncState ${join(dir, 'state')}/
`,
  );
  const started = performance.now();
  const child = spawn('mbsync', ['-q', '-c', config, 'move'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  child.stdout.on('data', (data: Buffer) => (words += data));
  child.stderr.on('data', (data: Buffer) => (words += data));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`mbsync ended with ${code}: ${words.slice(0, 2000)}`);
  return performance.now() - started;
}
