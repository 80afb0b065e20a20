/** What tests of vdirs share: a temporary folder for each test, and short ways to look at it. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Source } from '../../connectors/contract.js';
import { all, entries, never } from '../conformance/collect.js';
import { containerIn } from '../conformance/items.js';

export interface VdirFolder {
  /** A path in it; without parts the folder itself. */
  at(...parts: string[]): string;
  /** Writes a file, as another program would. */
  put(path: string, content: Buffer | string): Promise<void>;
  namesIn(folder: string): Promise<string[]>;
}

/** Made before each test, removed after it. */
export function vdirFolder(): VdirFolder {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'drover-vdir-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const at = (...parts: string[]): string => join(root, ...parts);
  return {
    at,
    async put(path, content) {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), content);
    },
    namesIn: async (folder) => (await readdir(at(folder))).sort(),
  };
}

/** Key and name of each collection. */
export async function shown(source: Source<Buffer>): Promise<(string | undefined)[][]> {
  return (await all(source.containers(never))).map(({ key, path }) => [key, path[0]]);
}

/** Content, or the reason of its refusal, by key. */
export async function readAll(source: Source<Buffer>, path: string): Promise<Record<string, string>> {
  const container = await containerIn(source, [path]);
  const refs = await entries(source.list(container, undefined, never));
  const answers = await all(source.read(container, refs, never));
  return Object.fromEntries(
    answers.map((one) => ('body' in one ? [one.key, one.body.toString()] : [one.refused, `refused: ${one.reason}`])),
  );
}

/** As a user without rights, as far as files are asked: the superuser may read anything. */
export async function asNobody<T>(step: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return step();
  process.seteuid?.(65534);
  try {
    return await step();
  } finally {
    process.seteuid?.(0);
  }
}
