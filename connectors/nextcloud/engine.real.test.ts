/** Whole migrations with the engine and a real ledger: a folder into an emulated Nextcloud, and out of it. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection, SystemConfig } from '../../schemas/spec.js';
import { put, tree } from '../../tests/engine/file-tree.js';
import type { LedgerServer } from '../../tests/engine/ledger.js';
import { startLedger } from '../../tests/engine/ledger.js';
import type { World } from '../../tests/engine/world.js';
import { createWorld } from '../../tests/engine/world.js';
import type { Nextcloud } from '../../tests/servers/nextcloud.js';
import { startNextcloud } from '../../tests/servers/nextcloud.js';

const LARGE = randomBytes(20 * 1024 * 1024 + 17);

let server: LedgerServer;
let nextcloud: Nextcloud;
let world: World;
let dir: string;
let from: string;

beforeAll(async () => {
  [server, nextcloud] = await Promise.all([startLedger(), startNextcloud()]);
});
afterAll(async () => {
  await nextcloud?.stop();
  await server?.stop();
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-nextcloud-'));
  from = join(dir, 'from');
  await mkdir(from);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
  expect(nextcloud.forbiddenRequests()).toBe(0);
  await nextcloud.expireUploads();
});

function cloud(folder: string, more = {}): SystemConfig {
  const auth = { username: 'anna', password: { env: 'PASSWORD' } };
  return { type: 'nextcloud', options: { url: nextcloud.url, folder, auth, ...more } };
}

function begin(old: SystemConfig, to: SystemConfig, selection: Partial<Selection> = {}): void {
  world = createWorld(server.ledger, { selection: { kind: 'files', ...selection }, systems: { old, new: to } });
}

async function run(): Promise<ClosedRun> {
  const result = await world.run();
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function contentIn(path: string): Promise<Buffer> {
  return Buffer.from(await (await nextcloud.ask('GET', path)).arrayBuffer());
}

test('a tree arrives, is proven by checksums, and a second run writes nothing', async () => {
  for (let n = 0; n < 150; n++) await put(from, `many/${n}.txt`);
  await put(from, 'cafe\u0301/ü 100%.txt');
  await put(from, 'empty', '');
  await put(from, 'large.bin', LARGE);
  await mkdir(join(from, 'nothing/in/here'), { recursive: true });
  await utimes(join(from, 'many/7.txt'), new Date(), new Date('2019-03-04T05:06:07Z'));
  begin({ type: 'folder', options: { path: from } }, cloud('one', { bulk: 'without-creation-dates' }), {
    verify: 'checksum',
  });
  const { totals } = await run();
  expect(totals).toMatchObject({ items: 158, verified: 158, failures: 0, pending: 0 });
  const expected = [...Object.keys(await tree(from))].map((path) => path.normalize('NFC')).sort();
  expect(await nextcloud.list('one')).toEqual(expected);
  expect((await contentIn('one/large.bin')).equals(LARGE)).toBe(true);
  const { headers } = await nextcloud.ask('HEAD', 'one/many/7.txt');
  expect(headers.get('last-modified')).toBe('Mon, 04 Mar 2019 05:06:07 GMT');
  expect(nextcloud.asked.filter(({ path }) => path.endsWith('/bulk')).length).toBeGreaterThan(0);
  const writes = () =>
    nextcloud.asked.filter(({ method }) => ['PUT', 'POST', 'MOVE', 'MKCOL', 'DELETE'].includes(method));
  const before = writes().length;
  expect((await run()).totals).toMatchObject({ verified: 158, changed: 0 });
  expect(writes().length).toBe(before);
});

test('edits, new names and a person in the target', async () => {
  for (const path of ['a', 'b', 'c']) await put(from, path, `first of ${path}`);
  begin({ type: 'folder', options: { path: from } }, cloud('two'));
  await run();
  await put(from, 'a', 'second of a');
  await put(from, 'c', 'second of c, of the source');
  await nextcloud.ask('PUT', 'two/c', {}, Buffer.from('a person in the target'));
  await rename(join(from, 'b'), join(from, 'renamed'));
  const puts = () => nextcloud.asked.filter(({ method }) => method === 'PUT').length;
  const before = puts();
  const { totals } = await run();
  expect((await contentIn('two/a')).toString()).toBe('second of a');
  expect((await contentIn('two/c')).toString()).toBe('a person in the target');
  expect((await contentIn('two/renamed')).toString()).toBe('first of b');
  // The conflict is left to a person.
  expect(totals).toMatchObject({ failures: 1, verified: 2 });
  // The edit, and the one that was refused on its condition; what has a new name was not sent again.
  expect(puts() - before).toBe(2);
  expect(await nextcloud.list('two')).toEqual(['a', 'c', 'renamed']);
});

test('what is in a Nextcloud leaves it whole', async () => {
  for (const folder of ['three', 'three/d', 'three/d/e']) await nextcloud.ask('MKCOL', folder);
  for (const path of ['x', 'd/ü', 'd/e/z']) await nextcloud.ask('PUT', `three/${path}`, {}, Buffer.from(path));
  await nextcloud.ask('PUT', 'three/large.bin', { 'x-oc-mtime': '1600000000' }, LARGE);
  const to = join(dir, 'to');
  begin(cloud('three'), { type: 'folder', options: { path: to } });
  const { totals } = await run();
  expect(totals).toMatchObject({ items: 6, verified: 6, failures: 0 });
  const { 'large.bin': large, ...rest } = await tree(to);
  expect(Buffer.from(large as string, 'latin1').equals(LARGE)).toBe(true);
  expect(Object.keys(rest).sort()).toEqual(['d/', 'd/e/', 'd/e/z', 'd/ü', 'x']);
  // Nothing changed: the tree's ETag says so, and it is not listed.
  const before = nextcloud.asked.length;
  expect((await run()).totals).toMatchObject({ verified: 6, changed: 0 });
  const lists = nextcloud.asked
    .slice(before)
    .filter(({ method, headers }) => method === 'PROPFIND' && headers.depth === '1');
  expect(lists).toEqual([]);
});
