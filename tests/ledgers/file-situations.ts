/** Trees as they stood when a ledger of files was dumped: one small file that had arrived, and a large one on its way. */
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '../sample/random.js';

export const PART = 8 * 1024 * 1024;
export const LARGE = createRandom(20190301).bytes(2 * PART + 1000);
const SMALL = 'a small file\n';
const DATE = new Date('2019-03-01T09:22:03Z');
/** Where the folder connector keeps parts. */
export const PARTS = '.drover-uploads';

/** What had become of the large file: one part of three acknowledged; all of them; the last step done. */
export const STAGES = ['some-parts', 'all-parts', 'landed'] as const;
export type Stage = (typeof STAGES)[number];

export const nameOf = (stage: Stage): string => `open-upload-${stage}`;

async function put(root: string, path: string, content: string | Buffer): Promise<void> {
  await writeFile(join(root, path), content);
  await utimes(join(root, path), DATE, DATE);
}

export async function buildSource(from: string): Promise<void> {
  await mkdir(join(from, 'docs'), { recursive: true });
  await put(from, 'docs/small.txt', SMALL);
  await put(from, 'large.bin', LARGE);
  await utimes(join(from, 'docs'), DATE, DATE);
}

/** `token`: the name of the upload in the ledger. */
export async function buildTarget(to: string, stage: Stage, token: string): Promise<void> {
  await mkdir(join(to, 'docs'), { recursive: true });
  await mkdir(join(to, PARTS), { mode: 0o700 });
  await put(to, 'docs/small.txt', SMALL);
  await utimes(join(to, 'docs'), DATE, DATE);
  if (stage === 'landed') return put(to, 'large.bin', LARGE);
  const acknowledged = stage === 'some-parts' ? [0] : [0, 1, 2];
  const content = Buffer.alloc(LARGE.length);
  for (const part of acknowledged) LARGE.copy(content, part * PART, part * PART, (part + 1) * PART);
  const parts = join(to, PARTS, token);
  await writeFile(parts, content);
  const { dev, ino } = await stat(parts, { bigint: true });
  const notes = acknowledged.map((part) => `\n+${part}.\n`).join('');
  await writeFile(`${parts}.parts`, `file ${dev}:${ino} ${LARGE.length} ${PART}\n${notes}`);
}
