/** The peer for calendars and contacts: vdirsyncer, at its best settings. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A DAV account, or a folder of .ics and .vcf files. */
export type Place = { readonly url: string; readonly user: string } | { readonly folder: string };

export interface VdirsyncerJob {
  readonly dir: string;
  readonly name: string;
  readonly source: Place;
  readonly target: Place;
  readonly kinds: readonly ('calendar' | 'contacts')[];
}

/** Finds the collections and makes them in the target: a part of its first run. Milliseconds. */
export async function discover(job: VdirsyncerJob): Promise<number> {
  const dir = join(job.dir, job.name);
  await mkdir(dir, { recursive: true });
  await writeFile(config(job), configOf(job));
  return run(['-c', config(job), 'discover'], 'y\n'.repeat(1000));
}

/** Milliseconds. Throws with its words when it fails. */
export function sync(job: VdirsyncerJob): Promise<number> {
  return run(['-c', config(job), 'sync']);
}

const config = ({ dir, name }: VdirsyncerJob): string => join(dir, name, 'config');

function configOf({ dir, name, source, target, kinds }: VdirsyncerJob): string {
  const storage = (side: string, place: Place, kind: 'calendar' | 'contacts'): string =>
    `[storage ${kind}_${side}]\n${
      'folder' in place
        ? `type = "filesystem"\npath = "${place.folder}/${kind}"\nfileext = "${kind === 'calendar' ? '.ics' : '.vcf'}"`
        : `type = "${kind === 'calendar' ? 'caldav' : 'carddav'}"\nurl = "${place.url}/${place.user}/"\nusername = "${place.user}"\npassword = "secret"`
    }\n`;
  const pairs = kinds.map(
    (
      kind,
    ) => `[pair ${kind}]\na = "${kind}_a"\nb = "${kind}_b"\ncollections = ["from a"]\nconflict_resolution = "a wins"\n
${storage('a', source, kind)}\n${storage('b', target, kind)}`,
  );
  return `[general]\nstatus_path = "${join(dir, name, 'status')}"\n\n${pairs.join('\n')}`;
}

async function run(args: readonly string[], input = ''): Promise<number> {
  const started = performance.now();
  const child = spawn('vdirsyncer', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let words = '';
  child.stdout.on('data', (data: Buffer) => (words += data));
  child.stderr.on('data', (data: Buffer) => (words += data));
  // It may end before it has read all answers.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`vdirsyncer ${args.at(-1)} ended with ${code}: ${words.slice(-2000)}`);
  return performance.now() - started;
}
