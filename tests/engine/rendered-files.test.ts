/** Files that are exported when they are read: of no size before that, and of another content each time. */
import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ItemRef } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { FileBody, FileSource } from '../../connectors/kinds/files.js';
import { LARGE_BYTES } from '../../connectors/kinds/files.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { withOddFolder } from './odd-folder.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
let dir: string;
let from: string;
let to: string;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-rendered-'));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
  await mkdir(to);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

let readings = 0;

/** What ends with `.doc` is an export. `sized`: its listing tells a size all the same. */
function exporting(sized: boolean): (source: FileSource) => FileSource {
  const isExport = ({ key }: { readonly key: string }): boolean => key.endsWith('.doc');
  const sizes = new Map<string, number>();
  return (source) => ({
    ...source,
    async *list(...args) {
      for await (const { entries } of source.list(...args)) {
        yield {
          entries: entries.map((entry): ItemRef => {
            if (!isExport(entry)) return entry;
            const { bytes = 0, ...rest } = entry;
            sizes.set(entry.key, bytes);
            return { ...rest, unstable: true, ...(sized && { bytes }) };
          }),
        };
      }
    },
    async *read(container, refs, signal) {
      const whole = refs.map((ref) => ({ ...ref, bytes: sizes.get(ref.key) ?? ref.bytes ?? 0 }));
      for await (const answer of source.read(container, whole, signal)) {
        if ('refused' in answer || !isExport(answer)) yield answer;
        else {
          const { bytes, ...body } = answer.body as FileBody;
          yield { ...answer, body: { ...body, bytes: Buffer.concat([bytes, Buffer.from(`export ${++readings}`)]) } };
        }
      }
    },
    async *open(container, ref, range, signal) {
      if (isExport(ref)) throw new Fault('internal', 'an export was asked for in parts');
      yield* source.open(container, ref, range, signal);
    },
  });
}

function begin(sized: boolean): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files' },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    connectors: withOddFolder({ source: exporting(sized) }),
  });
}

it.each([
  ['tells none', false],
  ['tells one', true],
])('reads exports as a whole where the listing %s of their sizes', async (_, sized) => {
  begin(sized);
  await put(from, 'large.doc', Buffer.alloc(LARGE_BYTES + 7, 'x'));
  await put(from, 'small.doc', 'small ');
  await put(from, 'plain');
  expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, failures: 0 } });
  const first = await tree(to);
  expect(first['small.doc']).toMatch(/^small export \d+$/);
  const { rows } = await reportOf(world, server.ledger);
  const proofs = Object.fromEntries(rows.map((row) => [row.key, [row.proof, Number(row.bytes)]]));
  expect(proofs).toEqual({
    'large.doc': ['rendering-readback', first['large.doc']?.length],
    'small.doc': ['rendering-readback', first['small.doc']?.length],
    plain: ['readback', 5],
  });

  const before = readings;
  expect(await world.run({ reason: 'verify' })).toMatchObject({ state: 'done', totals: { verified: 3, failures: 0 } });
  expect([await tree(to), readings]).toEqual([first, before]);
  // Another version is another content, and nothing else tells.
  await utimes(join(from, 'small.doc'), new Date(), new Date('2026-01-01T00:00:00Z'));
  expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 3, updated: 1 } });
  expect(readings).toBe(before + 1);
});
