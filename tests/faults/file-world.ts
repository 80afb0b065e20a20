/** Two folders on a real Apache, with a proxy before each side, and the engine between them. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { JsonObject } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { SliceResult } from '../../engine/slice/slice.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Selection, SystemConfig } from '../../schemas/spec.js';
import type { RunReason } from '../../words/runs.js';
import { tree } from '../engine/file-tree.js';
import { createWorld } from '../engine/world.js';
import { give, giveAll } from '../servers/apache.js';
import type { DavProxy } from '../servers/dav-proxy.js';
import { startDavProxy } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';

export interface FileWorld {
  /** Folders on disk, as other programs see them. */
  readonly from: string;
  readonly to: string;
  readonly toSource: DavProxy;
  readonly toTarget: DavProxy;
  put(root: string, path: string, content?: Buffer | string): Promise<void>;
  run(selection?: Partial<Selection>, reason?: RunReason): Promise<Ran>;
  close(): Promise<void>;
}

export interface Ran {
  readonly result: ClosedRun | SliceResult;
  /** Faults that ended a slice; each time the run went on. */
  readonly faults: readonly string[];
}

/** More faults than any test makes: then something is tried again for ever. */
const MAX_FAULTS = 12;

let worlds = 0;

/** A world of its own; `apache` serves user `anna`. Both sides get `options` beside what they need. */
export async function createFileWorld(
  ledger: Ledger,
  apache: DavServer,
  selection: Partial<Selection> = {},
  options: JsonObject = {},
): Promise<FileWorld> {
  const [source, target] = [`from-${++worlds}`, `to-${worlds}`];
  const [from, to] = [source, target].map((name) => join(apache.folder, 'anna', name)) as [string, string];
  for (const folder of [from, to]) await mkdir(folder);
  await Promise.all([from, to].map(give));
  const [toSource, toTarget] = await Promise.all([startDavProxy(apache), startDavProxy(apache)]);
  const system = (proxy: DavProxy, name: string): SystemConfig => ({
    type: 'webdav',
    options: {
      ...options,
      url: `${proxy.url}/anna/${name}/`,
      auth: { username: 'anna', password: { env: 'PASSWORD' } },
    },
  });
  const world = createWorld(ledger, {
    systems: { old: system(toSource, source), new: system(toTarget, target) },
    selection: { kind: 'files', ...selection },
  });
  return {
    from,
    to,
    toSource,
    toTarget,
    async put(root, path, content = path) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
      await giveAll(root);
    },
    async run(asked = {}, reason = 'apply') {
      const faults: string[] = [];
      for (;;) {
        try {
          return { result: await world.run({ selection: asked, reason }), faults };
        } catch (error) {
          const again = error instanceof Fault && ['unavailable', 'throttled', 'source-changed'].includes(error.code);
          if (!again || faults.length === MAX_FAULTS) throw error;
          faults.push(error.code);
        }
      }
    },
    async close() {
      await world.close();
      await Promise.all([toSource.stop(), toTarget.stop()]);
      for (const folder of [from, to]) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs until nothing waits for a person any more; `met` tells what came in between. */
export async function runThrough(world: FileWorld): Promise<{ readonly ran: Ran; readonly met: readonly string[] }> {
  const met: string[] = [];
  for (;;) {
    const ran = await world.run();
    met.push(...ran.faults);
    if (!('state' in ran.result) || ran.result.state !== 'parked') return { ran, met };
    met.push('parked');
    if (met.length > MAX_FAULTS) throw new Error(`waits again and again: ${JSON.stringify(ran.result)}`);
  }
}

export const LARGE = 2 * 1024 * 1024 + 3;

/** Some small files in folders, an empty one, and a large one. */
export async function fill({ from, put }: FileWorld): Promise<void> {
  for (const path of ['a.txt', 'b/c.txt', 'b/d e&f.txt', 'b/ü/g#h?.txt']) await put(from, path);
  await put(from, 'empty', '');
  await put(from, 'large.bin', randomBytes(LARGE));
}

/** A tree by path; long contents by their hash: a difference must be readable. */
export async function contentsOf(root: string): Promise<Record<string, string>> {
  const digest = (content: string): string => createHash('sha256').update(content, 'latin1').digest('hex');
  const entries = Object.entries(await tree(root));
  return Object.fromEntries(entries.map(([path, text]) => [path, text.length > 200 ? digest(text) : text]));
}

export const ITEMS = 8;

/** Both sides hold the same, nothing of ours is left over, and the run says so. */
export async function expectSame({ from, to }: FileWorld, { result }: Ran): Promise<void> {
  expect(result).toMatchObject({ state: 'done', totals: { failures: 0, pending: 0, verified: ITEMS } });
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
  expect((await readdir(to)).filter((name) => name.startsWith('.'))).toEqual([]);
}

const WRITES = ['PUT', 'MKCOL', 'MOVE', 'DELETE', 'PROPPATCH', 'COPY'];

export const writesOf = (proxy: DavProxy): string[] =>
  proxy.asked
    .filter(({ method, status }) => WRITES.includes(method) && status < 300)
    .map(({ method, path }) => `${method} ${path}`);

/** The source was only read, and a further run, for which `prepare` may add rules, writes nothing anywhere. */
export async function expectQuiet(
  world: FileWorld,
  totals: object = { failures: 0 },
  prepare?: () => void,
): Promise<void> {
  expect(writesOf(world.toSource)).toEqual([]);
  for (const proxy of [world.toSource, world.toTarget]) proxy.clear();
  prepare?.();
  const { result } = await world.run();
  expect(result).toMatchObject({ totals: { pending: 0, changed: 0, ...totals } });
  expect(writesOf(world.toTarget)).toEqual([]);
}

export const contentAt = (root: string, path: string): Promise<Buffer> => readFile(join(root, path));
