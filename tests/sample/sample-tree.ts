/** Writes a small department's share: folders, files, odd names. The same bytes and dates each time. */
import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from './random.js';
import { createRandom } from './random.js';

export interface Tree {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  /** False when the tree was there already. */
  readonly written: boolean;
}

export const DEMO_TREE = { seed: 20190301, files: 270, large: 20 * 1024 * 1024 + 4321 } as const;

/** Legal on every Unix; no two are one where case or Unicode form does not count. */
const ODD = [
  'Rechnung #12 (50 % Anzahlung).txt',
  'Zoë & Đorđe — 美咲.md',
  'Q1: targets?.csv',
  ' leading and trailing ',
  'ends with a dot.',
  '.hidden',
  'CON.txt',
  '~$lock.docx',
  'quotes "and" back\\slash.txt',
  'a'.repeat(200),
  '🎉.txt',
  'line\nend.txt',
];
const EMPTY = ['Contracts/none yet/', 'Projects/2019/Archive/deep/deeper/deepest/'];
const FOLDERS = [
  'Contracts',
  'Customers',
  'Projects/2018',
  'Projects/2019',
  'Projects/2019/Photos',
  'Templates',
  'Zoë',
];
const ENDINGS = ['txt', 'md', 'csv', 'pdf', 'jpg', 'docx'];

interface Entry {
  readonly path: string;
  readonly bytes: number;
}

/** Whole or not at all: a tree that is there is kept as it is. Synchronous: it is for set-up only. */
export function writeSampleTree(folder: string, { seed, files, large } = DEMO_TREE): Tree {
  const random = createRandom(seed);
  const entries = entriesOf(random, files, large);
  const folders = new Set([...EMPTY, ...entries.map(({ path }) => path)].flatMap(foldersAbove));
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const tree = { files: entries.length, folders: folders.size, bytes };
  if (existsSync(folder)) return { ...tree, written: false };

  const unfinished = `${folder}.tmp`;
  rmSync(unfinished, { recursive: true, force: true });
  for (const path of folders) mkdirSync(join(unfinished, path), { recursive: true });
  for (const [n, entry] of entries.entries()) {
    const file = join(unfinished, entry.path);
    writeFileSync(file, random.bytes(entry.bytes));
    const date = new Date(Date.UTC(2019, 2, 1) + n * 3_600_000);
    utimesSync(file, date, date);
  }
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(unfinished, folder);
  return { ...tree, written: true };
}

function entriesOf(random: Random, files: number, large: number): Entry[] {
  const ordinary = Array.from({ length: files }, (_, n): Entry => {
    const path = `${random.pick(FOLDERS)}/${String(n).padStart(3, '0')} report.${random.pick(ENDINGS)}`;
    // Most are small; some are none at all.
    return { path, bytes: n % 40 === 0 ? 0 : 20 + random.below(20_000) };
  });
  const odd = ODD.map((name): Entry => ({ path: `Odd names/${name}`, bytes: 100 }));
  return [...ordinary, ...odd, { path: 'Projects/2019/recording.mov', bytes: large }];
}

function foldersAbove(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, n) => names.slice(0, n + 1).join('/'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = 'sample/share'] = process.argv.slice(2);
  const { files, folders, bytes, written } = writeSampleTree(folder);
  console.log(`${folder}: ${files} files in ${folders} folders, ${bytes} bytes${written ? '' : ', there already'}`);
}
