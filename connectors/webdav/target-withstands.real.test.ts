/** What happens to writes when a real Apache, or what stands before it, answers otherwise than it should. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { all, never } from '../../tests/conformance/collect.js';
import { apply, content, creating, file, folder, pieces, updating } from '../../tests/conformance/trees.js';
import { give, startApache } from '../../tests/servers/apache.js';
import type { DavProxy } from '../../tests/servers/dav-proxy.js';
import { startDavProxy } from '../../tests/servers/dav-proxy.js';
import type { DavServer } from '../../tests/servers/dav-server.js';
import type { Access, TargetContainer, Upload, Uploads } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileTarget } from '../kinds/files.js';
import { BLOCK_BYTES, digestFile } from '../kinds/files.js';
import { connector } from './index.js';
import { foundOnce } from './preconditions.js';

let apache: DavServer;
let proxy: DavProxy;
let folders = 0;
let name = '';
const ending: (() => void)[] = [];

beforeAll(async () => {
  apache = await startApache({ users: ['anna'] });
  proxy = await startDavProxy(apache);
});
afterAll(async () => {
  await proxy?.stop();
  await apache?.stop();
});
beforeEach(async () => {
  name = `t${++folders}`;
  await mkdir(at());
  await give(at());
});
afterEach(() => {
  for (const end of ending.splice(0)) end();
  proxy.clear();
});

const at = (path = ''): string => join(apache.folder, 'anna', name, path);
const container: TargetContainer = { key: '/', path: [], validity: '1', created: false, items: 0 };
const access: Access = { account: 'anna', kind: 'files', secret: async () => 'secret' };

function target(server: { readonly url: string } = proxy): FileTarget {
  const options = { url: `${server.url}/anna/${name}`, auth: { username: 'anna', password: { env: 'X' } } };
  const session = connector.target(options, access);
  ending.push(() => session.close());
  return session;
}

const files = async (): Promise<string[]> => (await readdir(at())).filter((one) => one !== '.DAV').sort();
const isPut = (path: string) => (asked: { readonly method: string; readonly path: string }) =>
  asked.method === 'PUT' && asked.path.endsWith(`/${path}`);
const reply = (status: number, headers = {}) => ({ status, headers, body: Buffer.alloc(0) });
/** Finds out what the server honours, so that what is asked from now on is asked for the writes. */
async function tried(): Promise<FileTarget> {
  const session = target();
  await apply(session, container, [creating('first', file('first', content(3)))]);
  proxy.clear();
  return session;
}

describe('writing', () => {
  it('asks once for a file', async () => {
    const session = await tried();
    const paths = ['a', 'b', 'c'];
    await apply(
      session,
      container,
      paths.map((path) => creating(path, file(path, content(9)))),
    );
    expect(proxy.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(
      paths.map((path) => `PUT /anna/${name}/${path}`),
    );
  });

  it('makes missing folders once, from the innermost', async () => {
    const session = await tried();
    await mkdir(at('a'));
    await give(at('a'));
    const paths = ['a/b/c/1', 'a/b/c/2', 'a/b/3'];
    await apply(
      session,
      container,
      paths.map((path) => creating(path, file(path, content(9)))),
    );
    const made = proxy.asked.filter(({ method }) => method !== 'PUT').map(({ method, path }) => `${method} ${path}`);
    expect(made).toEqual(['a/b/c/', 'a/b/', 'a/b/c/'].map((path) => `MKCOL /anna/${name}/${path}`));
  });

  it('finds out what the server honours once in a process, and leaves nothing of it', async () => {
    await tried();
    expect(await files()).toEqual(['first']);
    await apply(target(), container, [creating('t', file('f', content(9)))]);
    expect(proxy.asked.length).toBe(1);
  });

  it.each([
    [401, {}, { code: 'credentials' }],
    [500, {}, { code: 'unavailable' }],
    [507, {}, { code: 'quota' }],
    [429, { 'retry-after': '3' }, { code: 'throttled', retryAfterMs: 3_000 }],
    [503, { 'retry-after': '3' }, { code: 'throttled', retryAfterMs: 3_000 }],
  ])('ends with %i, and has answered what went before', async (status, headers, fault) => {
    const session = await tried();
    proxy.add({ when: isPut('b'), reply: () => reply(status, headers) });
    const writes = ['a', 'b', 'c'].map((path) => creating(path, file(path, content(9))));
    const writing = session.write(container, writes, never)[Symbol.asyncIterator]();
    expect(await writing.next()).toMatchObject({ value: { token: 'a' } });
    await expect(writing.next()).rejects.toMatchObject(fault);
    expect(await files()).toEqual(['a', 'first']);
  });

  it.each([403, 413, 414, 422])('refuses one file that is answered with %i, and writes the next', async (status) => {
    const session = await tried();
    proxy.add({ when: isPut('b'), reply: () => reply(status) });
    const answers = await apply(
      session,
      container,
      ['a', 'b', 'c'].map((path) => creating(path, file(path, content(9)))),
    );
    expect(answers.get('b')).toMatchObject({ refused: 'b' });
    expect(await files()).toEqual(['a', 'c', 'first']);
  });

  it('leaves a write in doubt whose answer was lost, and finds it', async () => {
    const session = await tried();
    const body = file('a', content(9));
    proxy.add({ when: isPut('a'), cut: 'after' });
    await expect(apply(session, container, [creating('t', body)])).rejects.toMatchObject({ code: 'unavailable' });
    const intents = [body, file('b', content(9))].map((one) => ({
      token: one.path,
      path: one.path,
      digest: digestFile(one),
    }));
    const found = await all(target().locate(container, intents, '', async () => new Set(), never));
    expect(found.map((one) => one.found)).toEqual(['landed', 'absent']);
    const lost = proxy.asked.filter(({ method }) => method === 'PUT');
    expect(lost.length, 'a write in doubt was sent again').toBe(1);
  });

  it('does not take what a person puts there in that moment', async () => {
    const session = await tried();
    const theirs = content(20, 'theirs');
    proxy.add({
      when: isPut('a'),
      meanwhile: () => writeFile(at('a'), theirs),
    });
    const answers = await apply(session, container, [creating('t', file('a', content(9)))]);
    expect(answers.get('t')).toMatchObject({ conflicted: 't', ref: 'a' });
    expect(await readFile(at('a'))).toEqual(theirs);
  });

  it('replaces what was written a moment ago, though Apache calls its ETag weak, and nothing else', async () => {
    const session = await tried();
    const edit = async (token: string, meanwhile?: () => Promise<void>) => {
      await apply(session, container, [creating(token, file(token, content(9)))]);
      const [copy] = await all(session.readBack(container, [token], never));
      if (meanwhile) proxy.add({ when: (asked) => isPut(token)(asked) && asked.headers.if !== undefined, meanwhile });
      const answers = await apply(session, container, [updating(`u ${token}`, token, copy?.version, content(8))]);
      return answers.get(`u ${token}`);
    };
    expect(await edit('a')).toMatchObject({ token: 'u a' });
    expect(await edit('b', () => writeFile(at('b'), 'theirs'))).toMatchObject({ conflicted: 'u b' });
    expect((await readFile(at('b'))).toString()).toBe('theirs');
  });

  it('replaces what has no ETag by its size and date, and not when these are others', async () => {
    const session = await tried();
    proxy.add({
      answer: (answer) => ({
        ...answer,
        headers: Object.fromEntries(Object.entries(answer.headers).filter(([header]) => header !== 'etag')),
        body: Buffer.from(answer.body.toString('latin1').replace(/<(\w+):getetag>[^<]*/g, '<$1:getetag>'), 'latin1'),
      }),
    });
    const [copy] = await all(session.readBack(container, ['first'], never));
    expect(copy?.version).toMatch(/^3\.2\d\d\d-/);
    const answers = await apply(session, container, [updating('u', 'first', copy?.version, content(8))]);
    expect(answers.get('u')).toMatchObject({ token: 'u' });
    const again = await apply(session, container, [updating('v', 'first', copy?.version, content(7))]);
    expect(again.get('v')).toMatchObject({ conflicted: 'v' });
    expect(await readFile(at('first'))).toEqual(content(8));
  });

  it('says what stands in the way of a redirect, and sends nothing elsewhere', async () => {
    const session = await tried();
    proxy.add({ when: isPut('a'), reply: () => reply(302, { location: `${apache.url}/anna/elsewhere` }) });
    await expect(apply(session, container, [creating('t', file('a', content(9)))])).rejects.toBeInstanceOf(Fault);
    expect(await files()).toEqual(['first']);
  });
});

describe('removing', () => {
  it('takes no folder into which a file has come', async () => {
    const session = await tried();
    await apply(session, container, [creating('d', folder('d/'))]);
    await writeFile(at('d/theirs'), 'x');
    const answers = await apply(session, container, [{ op: 'remove', token: 'r', ref: 'd/', version: '' }]);
    expect(answers.get('r')).toMatchObject({ conflicted: 'r' });
    expect(await readdir(at('d'))).toEqual(['theirs']);
  });
});

describe('a large file', () => {
  const BYTES = 9 * BLOCK_BYTES;

  async function sending(session: FileTarget, token = 'up-1'): Promise<Upload & { uploads: Uploads }> {
    const uploads = session.uploads;
    const partBytes = await uploads.partBytes(BYTES, never);
    const upload = { token, path: 'large.bin', bytes: BYTES, partBytes, meta: {} };
    await uploads.begin(container, upload, never);
    return { ...upload, uploads };
  }
  const bytes = content(BYTES);
  const partOf = ({ partBytes }: Upload, part: number): Buffer =>
    bytes.subarray(part * partBytes, (part + 1) * partBytes);

  async function sent(session: FileTarget): Promise<Upload & { uploads: Uploads }> {
    const upload = await sending(session);
    for (let part = 0; part * upload.partBytes < BYTES; part++)
      await upload.uploads.send(container, upload, part, pieces(partOf(upload, part), 1_000_003), never);
    proxy.clear();
    return upload;
  }
  const moves = (): number[] => proxy.asked.filter(({ method }) => method === 'MOVE').map(({ status }) => status);

  it('is taken in parts by Apache, of which a broken one costs only itself', async () => {
    const session = target(apache);
    const upload = await sending(session);
    expect(upload.partBytes).toBe(8 * BLOCK_BYTES);
    await upload.uploads.send(container, upload, 0, pieces(partOf(upload, 0)), never);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield partOf(upload, 1).subarray(0, 3_000_000);
      throw new Error('broken off by the test');
    }
    await expect(upload.uploads.send(container, upload, 1, broken(), never)).rejects.toThrow('broken off by the test');
    session.close();
    const other = target(apache).uploads;
    expect([...(await other.acknowledged(container, upload, never))]).toEqual([0]);
    await other.send(container, upload, 1, pieces(partOf(upload, 1)), never);
    expect(await other.finish(container, upload, undefined, never)).toMatchObject({ ref: 'large.bin' });
    expect((await readFile(at('large.bin'))).equals(bytes)).toBe(true);
    expect(await files()).toEqual(['large.bin']);
  });

  it('is sent as a whole where a server takes parts for the whole', async () => {
    proxy.add({
      ask: (asked) => ({
        ...asked,
        headers: Object.fromEntries(Object.entries(asked.headers).filter(([header]) => header !== 'content-range')),
      }),
    });
    const upload = await sending(target());
    expect(upload.partBytes).toBe(BYTES);
  });

  it('has landed though the answer to MOVE was 504, and then 423', async () => {
    const upload = await sent(target());
    const isMove = ({ method }: { readonly method: string }) => method === 'MOVE';
    proxy.add({ when: isMove, times: 1, answer: () => reply(504) });
    expect(await upload.uploads.finish(container, upload, undefined, never)).toMatchObject({ ref: 'large.bin' });
    expect(moves()).toEqual([504]);
    expect((await readFile(at('large.bin'))).equals(bytes)).toBe(true);
  });

  it('is moved once the server lets go of it', async () => {
    const upload = await sent(target());
    let asked = 0;
    proxy.add({
      when: ({ method }) => method === 'MOVE',
      times: 2,
      reply: () => reply([504, 423][asked++] as number),
    });
    expect(await upload.uploads.finish(container, upload, undefined, never)).toMatchObject({ ref: 'large.bin' });
    expect(moves()).toEqual([504, 423, 201]);
  });

  it('has landed when the answer to MOVE was lost, as another process finds', async () => {
    const upload = await sent(target());
    proxy.add({ when: ({ method }) => method === 'MOVE', times: 1, cut: 'after' });
    await expect(upload.uploads.finish(container, upload, undefined, never)).rejects.toMatchObject({
      code: 'unavailable',
    });
    const other = target().uploads;
    expect(await other.finish(container, upload, undefined, never)).toMatchObject({ ref: 'large.bin' });
    expect(moves().length).toBe(1);
  });

  it.each([
    [507, { code: 'quota' }],
    [401, { code: 'credentials' }],
    [429, { code: 'throttled' }],
  ])('waits with its parts when MOVE is answered with %i', async (status, fault) => {
    const upload = await sent(target());
    proxy.add({ when: ({ method }) => method === 'MOVE', times: 1, reply: () => reply(status) });
    await expect(upload.uploads.finish(container, upload, undefined, never)).rejects.toMatchObject(fault);
    expect(await upload.uploads.finish(container, upload, undefined, never)).toMatchObject({ ref: 'large.bin' });
  });

  it('replaces nothing that a person has changed in that moment', async () => {
    await writeFile(at('large.bin'), 'old');
    await give(at('large.bin'));
    const session = target();
    const upload = await sent(session);
    const [copy] = await all(session.readBack(container, ['large.bin'], never));
    proxy.add({ when: ({ method }) => method === 'MOVE', meanwhile: () => writeFile(at('large.bin'), 'theirs') });
    const answer = await upload.uploads.finish(container, upload, copy?.version, never);
    expect(answer).toMatchObject({ conflicted: 'up-1' });
    expect((await readFile(at('large.bin'))).toString()).toBe('theirs');
  });

  it('has not landed when its parts are gone and the old file is still there', async () => {
    await writeFile(at('large.bin'), bytes);
    await give(at('large.bin'));
    const session = target();
    const upload = await sent(session);
    const [copy] = await all(session.readBack(container, ['large.bin'], never));
    await upload.uploads.abort(container, upload, never);
    await expect(upload.uploads.finish(container, upload, copy?.version, never)).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('what is found out once', () => {
  it('is found out by another session when the first was stopped', async () => {
    const found = new Map<string, Promise<number>>();
    const stopped = foundOnce(found, 'server', () => Promise.reject(new Error('stopped')));
    let trials = 0;
    const find = async () => ++trials;
    const others = [foundOnce(found, 'server', find), foundOnce(found, 'server', find)];
    await expect(stopped).rejects.toThrow('stopped');
    expect(await Promise.all(others)).toEqual([1, 1]);
    expect(await foundOnce(found, 'server', find)).toBe(1);
  });
});
