/** Ledgers of version 0.3 with a large file on its way: it arrives once, and what was acknowledged is not sent again. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Target, Uploads } from '../../connectors/contract.js';
import { ended, withTarget } from '../engine/doubt.js';
import { tree } from '../engine/file-tree.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { createWorld } from '../engine/world.js';
import type { Stage } from './file-situations.js';
import { buildSource, buildTarget, LARGE, nameOf, PARTS } from './file-situations.js';
import { dumpOf, fillIn, loadLedger } from './load.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
}, 60_000);
afterAll(() => server.stop(), 60_000);

/** The numbers of the parts that are sent, and the paths that are written, go to `seen`. */
const watched =
  (seen: { readonly parts: number[]; readonly writes: string[] }) =>
  (target: Target<unknown>): Target<unknown> => ({
    ...target,
    async *write(container, writes, signal) {
      seen.writes.push(...writes.map(({ token }) => token));
      yield* target.write(container, writes, signal);
    },
    uploads: {
      ...(target.uploads as Uploads),
      send(container, upload, part, content, signal) {
        seen.parts.push(part);
        return (target.uploads as Uploads).send(container, upload, part, content, signal);
      },
    },
  });

const LEFT: Readonly<Record<Stage, readonly number[]>> = { 'some-parts': [1, 2], 'all-parts': [], landed: [] };

it.each(Object.entries(LEFT) as [Stage, readonly number[]][])(
  'an open upload (%s) sends the parts %j',
  async (stage, left) => {
    const dir = await mkdtemp(join(tmpdir(), 'drover-old-'));
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    const dump = await dumpOf(nameOf(stage));
    const token = /'([0-9a-f-]{36})'/.exec(/insert into upload .*/.exec(dump)?.[0] ?? '')?.[1] as string;
    await buildSource(from);
    await buildTarget(to, stage, token);
    const ledger = await loadLedger(server, await fillIn(dump, dir));
    const seen = { parts: [] as number[], writes: [] as string[] };
    const world = createWorld(ledger, {
      name: nameOf(stage),
      selection: { kind: 'files' },
      systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
      connectors: withTarget('folder', watched(seen)),
    });

    expect(await ended(world)).toMatchObject({
      state: 'done',
      totals: { items: 3, verified: 3, failures: 0, conflicts: 0, pending: 0 },
    });

    expect(seen.parts.sort()).toEqual(left);
    expect(seen.writes).toEqual([]);
    expect((await tree(to))['large.bin'] === LARGE.toString('latin1')).toBe(true);
    expect(Object.keys(await tree(to)).sort()).toEqual(Object.keys(await tree(from)).sort());
    expect(await readdir(join(to, PARTS))).toEqual([]);
    expect(await ended(world)).toMatchObject({ state: 'done', totals: { changed: 0, failures: 0, conflicts: 0 } });
    expect([seen.parts.length, seen.writes.length]).toEqual([left.length, 0]);
    await world.close();
    await ledger.close();
    await rm(dir, { recursive: true, force: true });
  },
  60_000,
);
