/** The example specs of files as they stand, on a real Apache and on the Nextcloud of the tests. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject } from '../../connectors/contract.js';
import type { Spec } from '../../schemas/spec.js';
import type { RunResult } from '../../words/runs.js';
import { put, tree } from '../engine/file-tree.js';
import { giveAll, startApache } from '../servers/apache.js';
import type { DavServer } from '../servers/dav-server.js';
import type { Nextcloud } from '../servers/nextcloud.js';
import { APP_PASSWORD, startNextcloud } from '../servers/nextcloud.js';
import { example, runSpec } from './example.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

const PEOPLE = ['anna@old.example', 'bela@old.example', 'office@old.example'];
const MOVED = ['anna.berg@new.example', 'bela.nagy@new.example', 'office@new.example'];
const LARGE = 3 * 1024 * 1024 + 5;

let test: TestStack;
let dir: string;
beforeAll(async () => {
  process.env.SPEC_FILES_PASSWORD = 'secret';
  process.env.SPEC_APP_PASSWORD = APP_PASSWORD;
  dir = await mkdtemp(join(tmpdir(), 'drover-file-specs-'));
  test = await startTestStack();
});
afterAll(async () => {
  await test?.stop();
  await rm(dir, { recursive: true, force: true });
});

const run = (spec: Spec): Promise<RunResult> => runSpec(test, spec);

it('share-to-nextcloud: names, ages, checksums', async () => {
  const cloud = await startNextcloud({ user: 'migrator' });
  try {
    for (const department of ['sales', 'research']) await fillShare(join(dir, 'share', department));
    const spec = await example('share-to-nextcloud', {
      share: { path: join(dir, 'share', '{account}') },
      cloud: { url: cloud.url, auth: { username: 'migrator', password: { env: 'SPEC_APP_PASSWORD' } } },
    });

    expect(await run(spec)).toMatchObject({
      state: 'done',
      units: 2,
      totals: { items: 26, verified: 26, failures: 0 },
    });
    const wanted = [
      'Archive/',
      'Archive/Projects/',
      'Archive/Projects/plan.txt',
      'Contracts/',
      'Contracts/none yet/',
      'Contracts/scan.bin',
      'Customers/',
      'Customers/Zoë.txt',
      'Customers/Zoë (2).txt',
      'Customers/a_b.txt',
      'Customers/blank.txt',
      'Customers/price list.txt',
      'Teams/',
      'Teams/North/',
      'Teams/North/Shared/',
      'Teams/North/Shared/notes.md',
    ];
    expect(await cloud.list('Departments/Sales')).toEqual(wanted.sort());
    const { rows } = await test.ledger.pool.query<{ proof: string; files: number }>(
      `select proof, count(*)::int as files from item i join container c on c.id = i.container
       join unit u on u.pairing = c.pairing
       where u.migration = $1 and i.meta->>'type' = 'file' group by proof`,
      [spec.name],
    );
    expect(rows).toEqual([{ proof: 'checksum', files: 16 }]);

    const before = cloud.asked.length;
    expect(await run(spec)).toMatchObject({ state: 'done', totals: { verified: 26, changed: 0 } });
    expect(changesIn(cloud, before)).toEqual([]);
  } finally {
    await cloud.stop();
  }
});

/** One department's share, with what the spec leaves out. */
async function fillShare(share: string): Promise<void> {
  const moved = ['Customers/price list.txt', 'Customers/Zoe\u0308.txt', 'Customers/Zo\u00eb.txt', 'Customers/a\\b.txt'];
  const left = ['Customers/~$price.docx', 'Customers/node_modules/x/index.js', 'Scratch/x.txt', 'Teams/North/own.txt'];
  for (const path of [...moved, ...left, 'Old projects/plan.txt', 'Teams/North/Shared/notes.md'])
    await put(share, path);
  await put(share, 'Customers/blank.txt', '');
  await put(share, 'Contracts/scan.bin', randomBytes(LARGE));
  await mkdir(join(share, 'Contracts', 'none yet'));
  await put(share, 'Customers/ancient.txt');
  await utimes(join(share, 'Customers/ancient.txt'), 1_000_000_000, 1_000_000_000);
}

/** What a program asked for beyond looking. */
function changesIn(cloud: Nextcloud, from: number): string[] {
  return cloud.asked
    .slice(from)
    .filter(({ method }) => !['GET', 'HEAD', 'PROPFIND', 'OPTIONS'].includes(method))
    .map(({ method, path }) => `${method} ${path}`);
}

it('webdav-to-webdav: a fleet from a CSV', async () => {
  const [old, fresh] = await Promise.all([startApache({ users: PEOPLE }), startApache({ users: MOVED })]);
  try {
    for (const person of PEOPLE) {
      const home = join(old.folder, person);
      for (let n = 0; n < 12; n++) await put(home, `${n % 3}/${n} of ${person}.txt`);
      await put(home, 'left.part');
      await put(home, 'backup.bin', randomBytes(LARGE));
      await mkdir(join(home, 'empty'));
      await giveAll(home);
    }
    const at = (server: DavServer, below = ''): JsonObject => ({
      url: `${server.url}/{account}${below}`,
      auth: { username: '{account}', password: { env: 'SPEC_FILES_PASSWORD' } },
    });
    const spec = await example('webdav-to-webdav', { old: at(old), new: at(fresh, '/Documents') });

    expect(await run(spec)).toMatchObject({
      state: 'done',
      units: 3,
      totals: { items: 51, verified: 51, failures: 0 },
    });
    for (const [n, person] of PEOPLE.entries()) {
      const { 'left.part': _left, ...wanted } = await tree(join(old.folder, person));
      expect(await tree(join(fresh.folder, MOVED[n] as string, 'Documents'))).toEqual(wanted);
    }
    const before = await states(fresh.folder);
    expect(await run(spec)).toMatchObject({ state: 'done', totals: { verified: 51, changed: 0 } });
    expect(await states(fresh.folder)).toEqual(before);
  } finally {
    await Promise.all([old.stop(), fresh.stop()]);
  }
});

/** When each file was last written, by whichever program. */
async function states(folder: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path] = (await stat(path)).ctimeMs;
  }
  return found;
}

it('nightly-files: edits, renames and deletions', async () => {
  const cloud = await startNextcloud({ user: 'office' });
  try {
    await cloud.ask('MKCOL', 'Plans');
    for (let n = 0; n < 20; n++) await cloud.ask('PUT', `Plans/${n}.txt`, {}, Buffer.from(`plan ${n}`));
    await cloud.ask('PUT', 'holiday.mp4', {}, Buffer.from('a film'));
    const spec = await example('nightly-files', {
      cloud: { url: cloud.url, auth: { username: '{account}', password: { env: 'SPEC_APP_PASSWORD' } } },
      disk: { path: join(dir, 'copies', '{account}') },
    });
    const copies = join(dir, 'copies', 'office');
    const wanted: Record<string, string> = { 'Plans/': '' };
    for (let n = 0; n < 20; n++) wanted[`Plans/${n}.txt`] = `plan ${n}`;

    expect(await run(spec)).toMatchObject({ state: 'done', totals: { created: 21, verified: 21, failures: 0 } });
    expect(await tree(copies)).toEqual(wanted);
    const before = await states(copies);
    expect(await run(spec)).toMatchObject({ state: 'done', totals: { verified: 21, changed: 0 } });
    expect(await states(copies)).toEqual(before);

    await cloud.ask('PUT', 'Plans/1.txt', {}, Buffer.from('plan 1, again'));
    const destination = `${cloud.url}/remote.php/dav/files/office/Plans/two.txt`;
    await cloud.ask('MOVE', 'Plans/2.txt', { destination });
    await cloud.ask('DELETE', 'Plans/3.txt');
    await writeFile(join(copies, 'Plans/4.txt'), 'scribbled into the copy');
    await cloud.ask('PUT', 'Plans/4.txt', {}, Buffer.from('plan 4, again'));
    const asked = cloud.asked.length;
    expect(await run(spec)).toMatchObject({ state: 'done', totals: { updated: 2, removed: 1, failures: 0 } });
    const { 'Plans/2.txt': renamed = '', 'Plans/3.txt': _gone, ...left } = wanted;
    const now = { ...left, 'Plans/1.txt': 'plan 1, again', 'Plans/4.txt': 'plan 4, again', 'Plans/two.txt': renamed };
    expect(await tree(copies)).toEqual(now);
    const fetched = cloud.asked.slice(asked).filter(({ method, path }) => method === 'GET' && path.includes('/files/'));
    expect(fetched.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)).sort()).toEqual(['1.txt', '4.txt']);
  } finally {
    await cloud.stop();
  }
});
