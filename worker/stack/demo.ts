/**
 * The demo: generated exports of mail, a calendar and contacts, and a share of files, into a Maildir, a vdir and a folder,
 * on the embedded stack, with the real command. Run from the project's folder by scripts/demo.js; a second run continues
 * with the state of the first.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { writeSampleBooks } from '../../tests/sample/sample-books.js';
import { writeSampleExport } from '../../tests/sample/sample-export.js';
import { writeSampleTree } from '../../tests/sample/sample-tree.js';
import { compiledFile } from './compiled.js';
import { startDev } from './dev.js';
import { STATE_FOLDER } from './discovery.js';

const SPEC = 'specs/demo.yaml';
const MIGRATION = 'demo';

const keep = process.argv.includes('--keep');
const dir = resolve(STATE_FOLDER);
const folders = {
  export: join(dir, 'demo', 'export'),
  books: join(dir, 'demo', 'books'),
  share: join(dir, 'demo', 'share'),
  maildir: join(dir, 'demo', 'maildir'),
  vdir: join(dir, 'demo', 'vdir'),
  files: join(dir, 'demo', 'files'),
  report: join(dir, 'demo', 'report'),
};

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The guards end the servers when this process is gone.
    if (interrupted.signal.aborted) process.exit(130);
    say('stopping; a second Ctrl-C does not wait');
    interrupted.abort();
  });
}

process.exitCode = await demo().catch((error: Error) => {
  if (interrupted.signal.aborted) return 130;
  say(`the demo failed: ${error.message}`);
  return 1;
});

async function demo(): Promise<number> {
  const sample = writeSampleExport(folders.export);
  say(
    `${sample.written ? 'made' : 'kept'} a sample of ${sample.messages} messages in ${sample.folders} mbox files: ${here(folders.export)}`,
  );

  const books = writeSampleBooks(folders.books);
  say(
    `${books.written ? 'made' : 'kept'} a calendar of ${books.events} events and ${books.contacts} contacts: ${here(folders.books)}`,
  );
  const share = writeSampleTree(folders.share);
  say(
    `${share.written ? 'made' : 'kept'} a share of ${share.files} files in ${share.folders} folders, ${Math.round(share.bytes / 1e6)} MB: ${here(folders.share)}`,
  );

  const dev = await startDev({ dir, log: say, signal: interrupted.signal });
  try {
    say(`Web UI: ${dev.stack.uiAddress}`);
    const before = await listing();
    const exitCode = await migrate('apply', SPEC, '--wait', '--watch');
    if (interrupted.signal.aborted) return 130;
    const after = await listing();
    const reported = await migrate('report', MIGRATION, '--out', here(folders.report));

    say('');
    say(whatChanged(before, after));
    say(`report: ${here(folders.report)}`);
    say(`worker log: ${here(dev.workerLog)}`);
    say(`exit code of \`migrate apply\`: ${exitCode}`);
    if (keep && !interrupted.signal.aborted) {
      say(
        `the stack stays up: look around at ${dev.stack.uiAddress}, run \`node dist/cli/main.js --help\`; Ctrl-C stops it`,
      );
      const failure = await Promise.race([once(interrupted.signal, 'abort').then(() => undefined), dev.givenUp]);
      if (failure) throw failure;
    }
    return exitCode || reported;
  } finally {
    await dev.stop();
    say('stopped: no process is left; state and report stay');
  }
}

/** Runs the command as a person would, in this terminal; it finds the stack by itself. */
async function migrate(...args: string[]): Promise<number> {
  const child = spawn(process.execPath, [compiledFile('cli/main.js'), ...args], { stdio: 'inherit' });
  const passOn = (): void => void child.kill('SIGTERM');
  interrupted.signal.addEventListener('abort', passOn, { once: true });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    interrupted.signal.removeEventListener('abort', passOn);
  }
}

/** Every file of an item with its size and time: independent of what the engine says about itself. */
async function listing(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  await look(folders.maildir, (file) => /[/\\](cur|new)[/\\][^/\\]+$/.test(file), found);
  await look(folders.vdir, (file) => /\.(ics|vcf)$/.test(file), found);
  // The parts of large files stand aside while they travel.
  await look(folders.files, (file) => !/[/\\]\.drover-uploads[/\\]/.test(file), found);
  return found;
}

async function look(folder: string, isItem: (file: string) => boolean, found: Map<string, string>): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  for (const entry of entries) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile() || !isItem(file)) continue;
    const { size, mtimeMs, ctimeMs } = await lstat(file);
    found.set(file, `${size} ${mtimeMs} ${ctimeMs}`);
  }
}

function whatChanged(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string {
  const written = [...after].filter(([file, state]) => before.get(file) !== state).length;
  const gone = [...before.keys()].filter((file) => !after.has(file)).length;
  if (written === 0 && gone === 0) return `nothing had to be written: all ${after.size} items were there and unchanged`;
  const where = [folders.maildir, folders.vdir, folders.files].map(here);
  return `${written} items written to ${where.slice(0, -1).join(', ')} and ${where.at(-1)}, ${after.size} there now${gone > 0 ? `, ${gone} gone` : ''}`;
}

function here(path: string): string {
  return relative(process.cwd(), path);
}

function say(line: string): void {
  process.stderr.write(line === '' ? '\n' : `> ${line}\n`);
}
