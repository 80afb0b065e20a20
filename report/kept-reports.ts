/**
 * The reports in a worker's folder: one folder for each whole report, and in it one line for each later run that changed
 * nothing. A report of every item for each look would fill the disk with what is known already.
 */
import { constants, createReadStream } from 'node:fs';
import { access, open, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { confirmingRun, noteConfirmed, noteReported } from '../ledger/confirmed.js';
import type { Ledger } from '../ledger/ledger.js';
import { escapeHtml } from './text.js';
import { REPORT_FILES, writeReport } from './write-report.js';

/** Beside the report that they confirm: one JSON object a line. */
export const CONFIRMED = 'confirmed.ndjson';

/** A folder of one run's report. */
export interface KeptReport {
  readonly run: number;
  readonly folder: string;
  readonly bytes: number;
  readonly writtenAt: Date;
}

/** As the engine is handed them (engine/deps.ts). */
export function createReports(ledger: Ledger, root: string) {
  return {
    leave: (migration: string, run: number) => leaveReport(ledger, root, migration, run),
    list: (migration: string) => keptReports(root, migration),
    remove: removeReport,
    rewrite: async (migration: string, run: number) => {
      await writeWhole(ledger, root, migration, run);
    },
    names: reportNames,
  };
}

/** Leaves what a run has to say, and returns the page that says it: its own, or the one it confirms. */
export async function leaveReport(ledger: Ledger, root: string, migration: string, run: number): Promise<string> {
  const confirming = await confirmingRun(ledger.pool, migration, run);
  if (confirming) {
    const folder = folderOf(root, migration, confirming.confirms);
    const html = join(folder, 'report.html');
    // Another worker may have left it on a disk of its own.
    if (await exists(html)) {
      await addLine(join(folder, CONFIRMED), confirming);
      await noteConfirmed(ledger.pool, migration, confirming);
      return html;
    }
  }
  return writeWhole(ledger, root, migration, run);
}

async function writeWhole(ledger: Ledger, root: string, migration: string, run: number): Promise<string> {
  const folder = folderOf(root, migration, run);
  const written = await writeReport(ledger, { migration, run, folder });
  if (written === undefined) return '';
  // Lines of another migration of this name, which was forgotten.
  await rm(join(folder, CONFIRMED), { force: true });
  await noteReported(ledger.pool, migration, run);
  return written.html;
}

/** The reports of a migration that stand in the folder, the first run first. */
export async function keptReports(root: string, migration: string): Promise<KeptReport[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(orNone);
  const found = await Promise.all(
    entries.flatMap((entry) => {
      const run = entry.isDirectory() ? runOf(migration, entry.name) : undefined;
      return run === undefined ? [] : [describe(join(root, entry.name), run)];
    }),
  );
  return found.sort((a, b) => a.run - b.run);
}

/** Takes a report away. What somebody put beside it stays, and the folder with it. */
export async function removeReport({ folder }: Pick<KeptReport, 'folder'>): Promise<void> {
  // The page last: where it is, the rest is too.
  for (const name of [...REPORT_FILES, CONFIRMED].sort(
    (a, b) => Number(a === 'report.html') - Number(b === 'report.html'),
  ))
    await rm(join(folder, name), { force: true });
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error;
  });
}

/** Whether a report has one of these words in any of its files. */
export async function reportNames({ folder }: Pick<KeptReport, 'folder'>, words: readonly string[]): Promise<boolean> {
  const asTheyStand = words.flatMap((word) => [word, JSON.stringify(word).slice(1, -1), escapeHtml(word)]);
  for (const name of [...REPORT_FILES, CONFIRMED])
    if (await holdsAny(join(folder, name), [...new Set(asTheyStand)])) return true;
  return false;
}

const folderOf = (root: string, migration: string, run: number): string => join(root, `${migration}-run-${run}`);

function runOf(migration: string, folder: string): number | undefined {
  const run = folder.startsWith(`${migration}-run-`) ? folder.slice(`${migration}-run-`.length) : '';
  return /^[1-9]\d{0,9}$/.test(run) ? Number(run) : undefined;
}

async function describe(folder: string, run: number): Promise<KeptReport> {
  let bytes = 0;
  let writtenAt = new Date(0);
  for (const name of [...REPORT_FILES, CONFIRMED]) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    bytes += found?.size ?? 0;
    if (found && found.mtime > writtenAt) writtenAt = found.mtime;
  }
  return { run, folder, bytes, writtenAt };
}

/** Reads a file in pieces, the end of each with the next: it may be larger than the memory. */
async function holdsAny(path: string, words: readonly string[]): Promise<boolean> {
  const most = Math.max(...words.map((word) => word.length));
  let before = '';
  try {
    for await (const piece of createReadStream(path, 'utf8')) {
      const text = before + piece;
      if (words.some((word) => text.includes(word))) return true;
      before = text.slice(-most);
    }
  } catch (error) {
    orNone(error as NodeJS.ErrnoException);
  }
  return false;
}

/** Once for each run, also when it is asked for again after a crash in the middle of a line. */
async function addLine(path: string, line: { readonly run: number }): Promise<void> {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o644);
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, LINE_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    const text = tail.toString();
    if (text.includes(`{"run":${line.run},`) && text.endsWith('\n')) return;
    await file.appendFile(`${text === '' || text.endsWith('\n') ? '' : '\n'}${JSON.stringify(line)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** More than a line takes. */
const LINE_BYTES = 4_096;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function orNone(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
