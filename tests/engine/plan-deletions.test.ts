/** `plan --deletions`: what would be deleted is named, each copy in the system that it is deleted from. */
import { mkdir, mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import { plan } from '../../engine/plan/plan.js';
import { specHash } from '../../schemas/hash.js';
import type { PlanDeletion, PlanResult } from '../../words/plan.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
let dir: string | undefined;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
afterEach(async () => {
  await world.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const INBOX = ['INBOX'];
const mirror = (options: WorldOptions): World =>
  createWorld(server.ledger, {
    ...options,
    selection: { deletions: 'mirror', accounts: [{ from: 'anna', to: 'anna@new' }], ...options.selection },
  });

async function planned(deletions = true): Promise<PlanResult> {
  const { deps, spec } = world;
  const input = { spec, specHash: specHash(spec), dryRun: false, deletions };
  return plan(deps, input, new AbortController().signal, () => {});
}

function named({ deletions, totals }: PlanResult): PlanDeletion[] {
  if (!deletions) throw new Error('no deletions were named');
  const all = JSON.parse(gunzipSync(Buffer.from(deletions.packed, 'base64')).toString()) as PlanDeletion[];
  expect([deletions.count, deletions.listed]).toEqual([totals.remove, all.length]);
  return all;
}

it('names each message with its folder, date and size; and none where nobody asked', async () => {
  world = mirror({});
  const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);
  for (let n = 1; n <= 20; n++) world.from.put(INBOX, { bytes: message(n) });
  await world.run();
  for (let n = 1; n <= 12; n++) removeFrom(world.from.folder(INBOX), n);

  const made = await planned();
  const all = named(made);

  expect(all).toHaveLength(12);
  expect(all[0]).toMatchObject({ unit: 1, from: 'anna', to: 'anna@new', back: false, targetPath: INBOX });
  expect(all[0]).toMatchObject({ bytes: message(1).length, ref: expect.any(String) });
  expect(JSON.stringify(all)).not.toMatch(/body|Subject/);
  expect((await planned(false)).deletions).toBeUndefined();
});

it('names those of the way back as copies in the source of the spec', async () => {
  world = mirror({ selection: { kind: 'contacts', mode: 'two-way' } });
  for (let n = 1; n <= 6; n++)
    world.from.put(INBOX, {
      bytes: Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:u${n}`, `FN:u${n}`, 'END:VCARD', ''].join('\r\n')),
    });
  await world.run();
  for (let n = 1; n <= 2; n++) removeFrom(world.target.account('anna@new').folder(INBOX), n);

  expect(named(await planned())).toMatchObject([
    { back: true, from: 'anna', to: 'anna@new', targetPath: INBOX },
    { back: true, from: 'anna', to: 'anna@new', targetPath: INBOX },
  ]);
});

it('does not name files that only have another name now', async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-deletions-'));
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
  world = mirror({
    selection: { kind: 'files' },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
  });
  for (let n = 1; n <= 6; n++) await writeFile(join(from, `${n}.txt`), `content of ${'x'.repeat(n)}`);
  await world.run();
  await rename(join(from, '1.txt'), join(from, 'one.txt'));
  await unlink(join(from, '2.txt'));

  expect(named(await planned()).map(({ key }) => key)).toEqual(['2.txt']);
});
