/** Makes the dumps of large files on their way: see README.md. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Connector, Target, Uploads } from '../../connectors/contract.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { createWorld } from '../engine/world.js';
import { dumpLedger } from './dump.js';
import type { Stage } from './file-situations.js';
import { buildSource, buildTarget, nameOf, PART, PARTS, STAGES } from './file-situations.js';

const FOLDER = fileURLToPath(new URL('./0.3/', import.meta.url));

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
  await mkdir(FOLDER, { recursive: true });
});
afterAll(() => server.stop());
beforeEach(() => server.clear());

/** All files of a tree as others see them; of journals only which parts count. */
async function held(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    const content = await readFile(path, 'latin1');
    const journal = /\.parts$/.test(path);
    found[path.slice(root.length + 1)] = journal ? [...content.matchAll(/^\+\d+/gm)].join(' ') : content;
  }
  return found;
}

/** What differs from one machine to the next becomes a name in braces: load.ts fills it in again. */
async function dumpWithNames(dir: string): Promise<string> {
  let sql = await dumpLedger(server.ledger);
  for (const path of ['from/docs/small.txt', 'from/large.bin', 'to/docs/small.txt']) {
    const { size, mtimeNs, ino, dev } = await stat(join(dir, path), { bigint: true });
    sql = sql.replaceAll(`${size}-${mtimeNs}-${ino}`, `{version ${path}}`);
    sql = sql.replaceAll(`${dev}:${ino}`, `{id ${path}}`);
  }
  const { ino, dev } = await stat(join(dir, 'from/docs'), { bigint: true });
  sql = sql.replaceAll(`${dev}:${ino}`, '{id from/docs}');
  return sql.replaceAll(dir, '{dir}');
}

/** Everything but the large file has settled, and so many of its parts are acknowledged. */
async function reached(parts: number): Promise<void> {
  for (;;) {
    const { rows } = await server.ledger.pool.query<{ parts: number; left: number }>(
      `select (select count(*)::int from upload_part) as parts, (select count(*)::int from item where todo = 'create') as left`,
    );
    if (rows[0]?.parts === parts && rows[0].left === 1) return;
    await delay(20);
  }
}

for (const stage of STAGES) {
  it(nameOf(stage), async () => {
    const dir = await mkdtemp(join(tmpdir(), 'drover-make-'));
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    await buildSource(from);
    let kept: Record<string, string> | undefined;
    /** The process dies here: nothing goes on behind it. */
    const die = async (parts: number): Promise<never> => {
      await reached(parts);
      if (kept === undefined) {
        kept = {};
        await writeFile(`${FOLDER}${nameOf(stage)}.sql`, await dumpWithNames(dir));
        kept = await held(to);
      }
      throw new Error('dead');
    };
    const world = createWorld(server.ledger, {
      name: nameOf(stage),
      selection: { kind: 'files' },
      systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
      connectors: dyingAt(stage, die),
    });
    await expect(world.run()).rejects.toThrow('dead');
    await world.close();
    const { rows } = await server.ledger.pool.query<{ token: string }>('select token from upload');
    const built = join(dir, 'built');
    await buildTarget(built, stage, rows[0]?.token as string);

    expect(Object.keys(await held(built)).sort()).toEqual(Object.keys(kept ?? {}).sort());
    for (const [path, content] of Object.entries(await held(built))) expect(kept?.[path] === content, path).toBe(true);
    expect(Object.keys(kept ?? {}).some((path) => path.startsWith(PARTS))).toBe(stage !== 'landed');
    await rm(dir, { recursive: true, force: true });
  });
}

/** The folder connector with smaller parts, which dies in its last steps. */
function dyingAt(stage: Stage, die: (parts: number) => Promise<never>): Readonly<Record<string, Registration>> {
  const folder = connectors.folder as Registration;
  const load = async (): Promise<Connector<never>> => {
    const plain = (await folder.load()) as Connector<unknown>;
    const target: Connector<unknown>['target'] = (options, access) => {
      const session = plain.target?.(options, access) as Target<unknown>;
      const uploads = session.uploads as Uploads;
      return {
        ...session,
        uploads: {
          ...uploads,
          partBytes: async () => PART,
          send: (container, upload, part, content, signal) =>
            stage === 'some-parts' && part > 0 ? die(1) : uploads.send(container, upload, part, content, signal),
          async finish(...args) {
            if (stage === 'landed') await uploads.finish(...args);
            return die(3);
          },
        },
      };
    };
    return { ...plain, target } as Connector<never>;
  };
  return { ...connectors, folder: { ...folder, load } };
}
