/** The connector on an emulated Nextcloud (tests/servers/nextcloud.ts) in front of a real Apache. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Nextcloud } from '../../tests/servers/nextcloud.js';
import { startNextcloud } from '../../tests/servers/nextcloud.js';
import type { Sessions } from '../../tests/servers/nextcloud-account.js';
import {
  createOf,
  fileBody,
  NEVER,
  ROOT,
  sessionsOn,
  TARGET_ROOT,
  write,
} from '../../tests/servers/nextcloud-account.js';
import type { ItemRef, Source } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import { digestFile } from '../kinds/files.js';

let nextcloud: Nextcloud;
let sessions: Sessions;

beforeAll(async () => {
  nextcloud = await startNextcloud({ login: 'anna@old.example' });
  sessions = sessionsOn(nextcloud);
});
afterEach(async () => {
  // Nothing that this connector does asks for trash or versions.
  expect(nextcloud.forbiddenRequests()).toBe(0);
  sessions.close();
  nextcloud.set({ names: {}, bulkUpload: true });
  for (const name of await topOf(nextcloud)) await nextcloud.ask('DELETE', name);
});
afterAll(() => nextcloud?.stop());

async function topOf({ ask, user }: Nextcloud): Promise<string[]> {
  const xml = await (await ask('PROPFIND', '', { depth: '1' })).text();
  const hrefs = [...xml.matchAll(/<d:href>([^<]*)<\/d:href>/g)].map(([, href]) => href as string);
  return hrefs
    .map((href) => decodeURIComponent(href.slice(`/remote.php/dav/files/${user}/`.length).replace(/\/$/, '')))
    .filter((name) => name !== '');
}

async function listed(source: Source<FileBody>, after?: string): Promise<ItemRef[]> {
  const all: ItemRef[] = [];
  for await (const { entries } of source.list(ROOT, after, NEVER)) all.push(...entries);
  return all;
}

async function all<T>(many: AsyncIterable<T> | undefined): Promise<T[]> {
  const found: T[] = [];
  for await (const one of many ?? []) found.push(one);
  return found;
}

const kept = (path: string) => nextcloud.asked.filter((one) => one.path.includes(path));

describe('finding the account', () => {
  it.each([
    ['the instance', ''],
    ['the instance with a slash and index.php', '/index.php/'],
    ['the files', '/remote.php/dav/files/anna'],
    ['the address of older clients', '/remote.php/webdav/'],
  ])('by %s is the same place', async (_, path) => {
    const target = sessionsOn(nextcloud, nextcloud.url + path).target();
    const { port } = new URL(nextcloud.url);
    expect(await target.place(NEVER)).toEqual({
      proof: `nextcloud://127.0.0.1:${port}/files/anna/`,
      system: `nextcloud://127.0.0.1:${port}`,
    });
    target.close();
  });

  it('says what the instance can do', async () => {
    const told = await sessions.target().describe(NEVER);
    const values = Object.fromEntries(told.map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({
      server: 'Nextcloud 31.0.5',
      'large files': 'in chunks (version 1.0), of up to 104857600 bytes',
      'small files':
        'many at once into new folders, where no creation date is known (bulk upload 1.0); else one by one',
      quota: '0 bytes used, no limit told',
    });
    expect(values.names).toContain('.htaccess');
  });

  it('makes its folder, and moves nothing outside of it', async () => {
    const target = sessions.target({ folder: 'Shares/Sales 100%' });
    expect(await target.find?.({ path: [] }, NEVER)).toBeUndefined();
    expect(await target.ensure({ path: [] }, NEVER)).toMatchObject({ key: '/', created: true, items: 0 });
    await write(target, [createOf(fileBody('a.txt', 'a'))]);
    expect(await (await nextcloud.ask('GET', 'Shares/Sales 100%/a.txt')).text()).toBe('a');
    expect(await target.ensure({ path: [] }, NEVER)).toMatchObject({ created: false, items: 1 });
  });

  it('refuses an address that leads out', async () => {
    const target = sessions.target({ folder: 'a/../../bert' });
    await expect(target.place(NEVER)).rejects.toMatchObject({ code: 'spec' });
  });

  it('tells a wrong password from a server in maintenance', async () => {
    const url = nextcloud.url;
    const { connector } = await import('./index.js');
    const access = { account: 'anna', kind: 'files', secret: async () => 'wrong' } as const;
    const auth = { username: 'anna', password: { env: 'PASSWORD' } };
    const stranger = connector.target({ url, auth }, access);
    await expect(stranger?.place(NEVER)).rejects.toMatchObject({ code: 'credentials' });
    stranger?.close();
    nextcloud.maintenance(true);
    try {
      await expect(sessions.target().place(NEVER)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 120_000 });
    } finally {
      nextcloud.maintenance(false);
    }
  });
});

describe('as a source', () => {
  it('lists the tree in the order of keys, from anywhere on', async () => {
    for (const folder of ['a', 'a/b', 'empty', 'näme']) await nextcloud.ask('MKCOL', folder);
    const files = ['a.txt', 'a/b/c', 'a/x', 'a0', '100% #1?&+.txt', '%2F', 'näme/z'];
    for (const file of files) await nextcloud.ask('PUT', file, {}, Buffer.from(file));
    const keys = ['a/', 'a/b/', 'empty/', 'näme/', ...files].sort((a, b) => (a < b ? -1 : 1));
    const source = sessions.source();
    const found = await listed(source);
    expect(found.map(({ key }) => key)).toEqual(keys);
    for (const after of keys) {
      expect((await listed(source, after)).map(({ key }) => key)).toEqual(keys.filter((key) => key > after));
    }
    const bodies = await all(source.read(ROOT, found, NEVER));
    expect(bodies.map((one) => 'body' in one && one.body.bytes.toString())).toEqual(
      keys.map((key) => (key.endsWith('/') ? '' : key)),
    );
  });

  it('does not list what lies before the place to go on from', async () => {
    for (const folder of ['a', 'b', 'b/c']) await nextcloud.ask('MKCOL', folder);
    await nextcloud.ask('PUT', 'b/c/d', {}, Buffer.from('d'));
    const source = sessions.source();
    // Once in a session it is asked what kind of mount the root is.
    await listed(source, 'b/c/d');
    const before = nextcloud.asked.length;
    expect((await listed(source, 'b/c/')).map(({ key }) => key)).toEqual(['b/c/d']);
    expect(nextcloud.asked.slice(before).map(({ path }) => path.replace(/.*files\/anna/, ''))).toEqual([
      '/',
      '/b/',
      '/b/c/',
    ]);
  });

  it('tells edits, dates and what stays with a file', async () => {
    await nextcloud.ask('MKCOL', 'a');
    const dates = { 'x-oc-mtime': '1600000000', 'x-oc-ctime': '1500000000' };
    await nextcloud.ask('PUT', 'a/x', dates, Buffer.from('one'));
    const source = sessions.source();
    const tokenNow = async () => (await all(source.containers(NEVER)))[0]?.token;
    const token = await tokenNow();
    expect(await tokenNow()).toBe(token);
    const before = (await listed(source)).find(({ key }) => key === 'a/x');
    expect(before?.meta).toMatchObject({
      type: 'file',
      modified: '2020-09-13T12:26:40.000Z',
      created: '2017-07-14T02:40:00.000Z',
    });
    await nextcloud.ask('PUT', 'a/x', {}, Buffer.from('two'));
    expect(await tokenNow()).not.toBe(token);
    const [folder, edited] = await listed(source);
    expect(edited?.version).not.toBe(before?.version);
    expect(folder?.version).toBe('');
    await nextcloud.ask('MOVE', 'a/x', { destination: `${nextcloud.url}/remote.php/dav/files/anna/y` });
    const moved = (await listed(source)).find(({ key }) => key === 'y');
    expect(moved?.meta?.id).toBe(before?.meta?.id);
  });

  it('reads ranges of one version only', async () => {
    const content = Buffer.from('0123456789');
    await nextcloud.ask('PUT', 'x', {}, content);
    const source = sessions.source();
    const [ref] = (await listed(source)) as [ItemRef];
    const range = async (from: number, bytes: number) =>
      Buffer.concat(await all(source.open(ROOT, ref, { from, bytes }, NEVER))).toString();
    expect(await range(0, 10)).toBe('0123456789');
    expect(await range(3, 4)).toBe('3456');
    await nextcloud.ask('PUT', 'x', {}, Buffer.from('9876543210'));
    await expect(range(3, 4)).rejects.toMatchObject({ code: 'source-changed' });
    await nextcloud.ask('DELETE', 'x');
    await expect(range(3, 4)).rejects.toMatchObject({ code: expect.stringMatching(/not-found|source-changed/) });
    expect(await all(source.read(ROOT, [ref], NEVER))).toMatchObject([{ refused: 'x' }]);
  });
});

describe('as a target', () => {
  it('keeps content, dates and versions; writes only where nothing stands', async () => {
    const target = sessions.target();
    const body = { ...fileBody('a/b/ü.txt', 'hello'), created: '2019-01-02T03:04:05.000Z' };
    const [written] = await write(target, [createOf(body)]);
    expect(written).toMatchObject({ token: 'a/b/ü.txt', ref: 'a/b/ü.txt', version: expect.stringMatching(/^\w+$/) });
    const [, , ref] = await listed(sessions.source());
    expect(ref).toMatchObject({ key: 'a/b/ü.txt', version: (written as { version: string }).version, bytes: 5 });
    expect(ref?.meta).toMatchObject({ modified: body.modified, created: body.created });
    const [again] = await write(target, [createOf(fileBody('a/b/ü.txt', 'other'))]);
    expect(again).toMatchObject({ conflicted: 'a/b/ü.txt', ref: 'a/b/ü.txt' });
    expect(await (await nextcloud.ask('GET', 'a/b/ü.txt')).text()).toBe('hello');
  });

  it('makes folders once, and not where a file stands', async () => {
    const target = sessions.target();
    await nextcloud.ask('PUT', 'file', {}, Buffer.from('x'));
    const answers = await write(target, [
      createOf(fileBody('d/e/', '')),
      createOf(fileBody('d/', '')),
      createOf(fileBody('file/', '')),
      createOf(fileBody('file/below', 'x')),
    ]);
    expect(answers).toMatchObject([
      { ref: 'd/e/' },
      { ref: 'd/' },
      { conflicted: 'file/' },
      { conflicted: 'file/below' },
    ]);
  });

  it('replaces, moves and removes only what it knows', async () => {
    const target = sessions.target();
    const [made] = await write(target, [createOf(fileBody('d/x', 'one'))]);
    const version = (made as { version: string }).version;
    const body = fileBody('d/x', 'two');
    const update = {
      op: 'update',
      token: 'u',
      ref: 'd/x',
      version,
      body,
      bytes: 3,
      meta: { type: 'file' },
      digest: digestFile(body),
    } as const;
    const [updated] = await write(target, [update]);
    expect(updated).toMatchObject({ ref: 'd/x', version: expect.not.stringMatching(version) });
    expect(await write(target, [update])).toMatchObject([{ conflicted: 'u' }]);
    const now = (updated as { version: string }).version;
    const move = { op: 'move', token: 'm', ref: 'd/x', to: TARGET_ROOT, path: 'new/y' } as const;
    expect(await write(target, [{ ...move, version }])).toMatchObject([{ conflicted: 'm' }]);
    expect(await write(target, [{ ...move, version: now }])).toEqual([{ token: 'm', ref: 'new/y', version: now }]);
    await write(target, [createOf(fileBody('d/z', 'z'))]);
    const onto = { ...move, ref: 'd/z', path: 'new/y' };
    expect(await write(target, [onto])).toMatchObject([{ conflicted: 'm' }]);
    const remove = (ref: string, of?: string) =>
      ({ op: 'remove', token: ref, ref, ...(of !== undefined && { version: of }) }) as const;
    expect(await write(target, [remove('new/')])).toMatchObject([{ conflicted: 'new/' }]);
    expect(await write(target, [remove('new/y', version)])).toMatchObject([{ conflicted: 'new/y' }]);
    expect(await write(target, [remove('new/y', now), remove('new/'), remove('gone', now), remove('gone/')])).toEqual(
      ['new/y', 'new/', 'gone', 'gone/'].map((ref) => ({ token: ref, ref })),
    );
    expect(await topOf(nextcloud)).toEqual(['d']);
  });

  it('refuses names and links for themselves', async () => {
    nextcloud.set({ names: { characters: ['<', ':'], extensions: ['.filepart', '.', ' '], basenames: ['con'] } });
    const target = sessions.target();
    await target.place(NEVER);
    expect(target.names).toMatchObject({
      forbidden: '\\/<:',
      endings: '. ',
      reserved: ['.htaccess', 'con'],
      nameBytes: 250,
      formless: true,
    });
    const link: FileBody = { type: 'link', path: 'l', bytes: Buffer.from('x') };
    const answers = await write(target, [
      createOf(fileBody('a<b', 'x')),
      createOf(fileBody('x.part', 'x')),
      createOf(link),
      createOf(fileBody('ok', 'x')),
    ]);
    expect(answers).toMatchObject([
      { refused: 'a<b', reason: expect.stringContaining('not allowed') },
      { refused: 'x.part' },
      { refused: 'l' },
      { ref: 'ok' },
    ]);
  });

  it('writes names in the form that Nextcloud keeps', async () => {
    const target = sessions.target();
    const decomposed = 'u\u0308.txt';
    expect(await write(target, [createOf(fileBody(decomposed, 'x'))])).toMatchObject([{ ref: '\u00fc.txt' }]);
    expect(await all(target.sizes?.(TARGET_ROOT, [decomposed], NEVER))).toMatchObject([{ ref: decomposed, bytes: 1 }]);
    const folder = 'o\u0308/';
    expect(await write(target, [createOf(fileBody(folder, ''))])).toMatchObject([{ ref: '\u00f6/' }]);
    const remove = { op: 'remove', token: 'r', ref: folder } as const;
    expect(await write(target, [remove])).toEqual([{ token: 'r', ref: folder }]);
  });

  it('says what no date can be kept of', async () => {
    const target = sessions.target();
    const old = createOf(fileBody('old', 'x', '1970-01-01T00:00:01.000Z'));
    expect(await write(target, [old])).toMatchObject([{ ref: 'old', notes: [expect.stringContaining('1970')] }]);
  });

  it('sends again what arrived damaged, and refuses what always does', async () => {
    const target = sessions.target();
    await target.place(NEVER);
    nextcloud.damage(1);
    expect(await write(target, [createOf(fileBody('x', 'content'))])).toMatchObject([{ ref: 'x' }]);
    expect(await (await nextcloud.ask('GET', 'x')).text()).toBe('content');
    nextcloud.damage(3);
    expect(await write(target, [createOf(fileBody('y', 'content'))])).toMatchObject([{ refused: 'y' }]);
    expect(await topOf(nextcloud)).toEqual(['x']);
  });

  it('waits at a full account, and for a lock', async () => {
    const target = sessions.target();
    await target.place(NEVER);
    nextcloud.set({ quota: 10 });
    try {
      expect(await target.room?.(NEVER)).toEqual({ bytes: 10 });
      await expect(write(target, [createOf(fileBody('x', 'more than ten bytes'))])).rejects.toMatchObject({
        code: 'quota',
      });
    } finally {
      nextcloud.set({ quota: 1_000_000_000 });
    }
    nextcloud.lock('y');
    const [locked] = await write(target, [createOf(fileBody('y', 'y')), createOf(fileBody('z', 'z'))]);
    expect(locked).toMatchObject({ refused: 'y', reason: expect.stringContaining('423') });
    nextcloud.lock('y', false);
  });

  it('proves what it holds in three ways', async () => {
    const target = sessions.target();
    const bodies = ['d/a', 'd/b', 'd/c', 'd/empty'].map((path) => fileBody(path, path === 'd/empty' ? '' : path));
    await write(target, bodies.map(createOf));
    const refs = [...bodies.map(({ path }) => path), 'd/', 'd/missing', 'elsewhere/x'];
    expect(await all(target.sizes?.(TARGET_ROOT, refs, NEVER))).toMatchObject([
      { ref: 'd/a', bytes: 3 },
      { ref: 'd/b', bytes: 3 },
      { ref: 'd/c', bytes: 3 },
      { ref: 'd/empty', bytes: 0 },
      { ref: 'd/', bytes: 0, version: '' },
    ]);
    expect(await all(target.checksums?.(TARGET_ROOT, refs, NEVER))).toMatchObject(
      bodies.map(({ path, bytes }) => ({
        ref: path,
        bytes: bytes.length,
        sha256: digestFile({ ...bodies[0], type: 'file', path, bytes }),
      })),
    );
    const back = await all(target.readBack(TARGET_ROOT, refs, NEVER));
    expect(back.map(({ ref, digest }) => [ref, digest])).toEqual(
      [...bodies, fileBody('d/', '')].map((body) => [body.path, digestFile(body)]),
    );
    expect(back[0]).toMatchObject({ body: { modified: bodies[0]?.modified }, meta: { type: 'file' } });
    const scanned = await all(target.scan(TARGET_ROOT, async () => new Set(['d/b']), NEVER));
    expect(scanned.flatMap(({ entries }) => entries.map(({ ref }) => ref))).toEqual(['d/', 'd/a', 'd/c', 'd/empty']);
  });

  it('tells a checksum that was computed, not one that was claimed', async () => {
    const target = sessions.target();
    const claimed = createHash('sha256').update('something else').digest('hex');
    await nextcloud.ask('PUT', 'x', { 'oc-checksum': `SHA256:${claimed}` }, Buffer.from('content'));
    const sha256 = createHash('sha256').update('content').digest('hex');
    expect(await all(target.checksums?.(TARGET_ROOT, ['x'], NEVER))).toMatchObject([{ ref: 'x', sha256 }]);
  });

  it('finds out what became of writes in doubt', async () => {
    const target = sessions.target();
    const body = fileBody('x', 'content');
    await write(target, [createOf(body), createOf(fileBody('d/', ''))]);
    const intents = [
      { token: '1', path: 'x', digest: digestFile(body) },
      { token: '2', path: 'x', digest: digestFile(fileBody('x', 'other')) },
      { token: '3', path: 'y', digest: digestFile(body) },
      { token: '4', path: 'd/', digest: digestFile(fileBody('d/', '')) },
      { token: '5', path: 'e/', digest: digestFile(fileBody('e/', '')) },
    ];
    const found = await all(target.locate(TARGET_ROOT, intents, '', async () => new Set(), NEVER));
    expect(found.map((one) => one.found)).toEqual(['landed', 'absent', 'absent', 'landed', 'absent']);
  });
});

describe('bulk upload', () => {
  const many = (folder: string, count = 6) =>
    Array.from({ length: count }, (_, n) => createOf(fileBody(`${folder}${n} ä.txt`, `content ${n}`)));

  it('fills a folder that was just made by one request, with dates and versions', async () => {
    const target = sessions.target();
    const writes = [createOf(fileBody('n/', '')), ...many('n/')];
    const answers = await write(target, writes);
    expect(answers.map((answer) => 'ref' in answer && answer.ref)).toEqual(writes.map(({ token }) => token));
    expect(kept('/dav/bulk')).toHaveLength(1);
    expect(kept('n/').filter(({ method }) => method === 'PUT')).toEqual([]);
    const [, first] = await listed(sessions.source());
    expect(first).toMatchObject({ key: 'n/0 ä.txt', meta: { modified: '2021-03-04T05:06:07.000Z' } });
    expect(first?.version).toBe((answers[1] as { version: string }).version);
    const back = await all(target.readBack(TARGET_ROOT, ['n/5 ä.txt'], NEVER));
    expect(back).toMatchObject([{ digest: (writes[6] as { digest: string }).digest }]);
  });

  it('is kept from folders that others know, and from names that are taken', async () => {
    const target = sessions.target();
    await nextcloud.ask('MKCOL', 'known');
    const before = kept('/dav/bulk').length;
    await write(target, [createOf(fileBody('known/', '')), ...many('known/')]);
    expect(kept('/dav/bulk').length).toBe(before);
    await write(target, [createOf(fileBody('shared/', ''))]);
    await nextcloud.ask('PUT', 'shared/2 ä.txt', {}, Buffer.from('a person was faster'));
    const answers = await write(target, many('shared/'));
    expect(answers.filter((one) => 'conflicted' in one)).toMatchObject([{ conflicted: 'shared/2 ä.txt' }]);
    expect(await (await nextcloud.ask('GET', 'shared/2 ä.txt')).text()).toBe('a person was faster');
    expect(kept('/dav/bulk').length).toBe(before + 1);
  });

  it('sends what the server does not take by itself, and says its words', async () => {
    const target = sessions.target();
    const answers = await write(target, [
      createOf(fileBody('m/', '')),
      ...many('m/'),
      createOf(fileBody('m/empty', '')),
      createOf(fileBody('m/blank ', 'x')),
      createOf(fileBody('m/x.part', 'x')),
    ]);
    expect(answers.flatMap((one) => ('refused' in one ? [one.refused] : []))).toEqual(['m/x.part']);
    expect(answers).toHaveLength(10);
    const names = (await listed(sessions.source())).map(({ key }) => key);
    expect(names).toContain('m/blank ');
    expect(names).toContain('m/empty');
  });

  it('leaves files alone that would lose a creation date, unless the spec lets them', async () => {
    const created = '2019-01-02T03:04:05.000Z';
    const dated = (folder: string) =>
      many(folder).map((write) => (write.op === 'create' ? createOf({ ...write.body, created }) : write));
    const before = kept('/dav/bulk').length;
    await write(sessions.target(), [createOf(fileBody('q/', '')), ...dated('q/')]);
    expect(kept('/dav/bulk').length).toBe(before);
    expect((await listed(sessions.source()))[1]?.meta).toMatchObject({ created });
    const lossy = sessions.target({ bulk: 'without-creation-dates' });
    const answers = await write(lossy, [createOf(fileBody('r/', '')), ...dated('r/')]);
    expect(kept('/dav/bulk').length).toBe(before + 1);
    expect(answers.at(-1)).toMatchObject({ notes: [expect.stringContaining('creation date')] });
  });

  it('is not used where the server has none, or the spec says so', async () => {
    const before = kept('/dav/bulk').length;
    await write(sessions.target({ bulk: 'never' }), [createOf(fileBody('o/', '')), ...many('o/')]);
    nextcloud.set({ bulkUpload: false });
    await write(sessions.target(), [createOf(fileBody('p/', '')), ...many('p/')]);
    expect(kept('/dav/bulk').length).toBe(before);
  });
});
