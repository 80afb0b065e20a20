/** Stories of WebDAV sources that lie about single files and folders, from the spec to the report, on a real Apache. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LARGE_BYTES } from '../../connectors/kinds/files.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection } from '../../schemas/spec.js';
import { startApache } from '../servers/apache.js';
import type { DavAsked, DavProxy, DavReply, Rule } from '../servers/dav-proxy.js';
import { startDavProxy } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import type { ScriptedHttp } from '../servers/scripted-http.js';
import { startScriptedHttp } from '../servers/scripted-http.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let apache: DavServer;
let proxy: DavProxy;
let world: World;
let from: string;
let to: string;

beforeAll(async () => {
  [server, apache] = await Promise.all([startLedger(), startApache({ users: ['anna'] })]);
  proxy = await startDavProxy(apache);
});
afterAll(async () => {
  await proxy?.stop();
  await Promise.all([apache?.stop(), server?.stop()]);
});
beforeEach(async () => {
  from = join(apache.folder, 'anna', 'tree');
  to = await mkdtemp(join(tmpdir(), 'drover-lying-'));
});
afterEach(async () => {
  proxy.clear();
  await world.close();
  await rm(to, { recursive: true, force: true });
  await rm(from, { recursive: true, force: true });
});

function begin(selection: Partial<Selection> = {}): void {
  const options = { url: `${proxy.url}/anna/tree`, auth: { username: 'anna', password: { env: 'X' } } };
  world = createWorld(server.ledger, {
    selection: { kind: 'files', ...selection },
    settings: { rereadMs: 1 },
    systems: { old: { type: 'webdav', options }, new: { type: 'folder', options: { path: to } } },
  });
}

async function run(selection?: Partial<Selection>): Promise<ClosedRun> {
  const result = await world.run(selection ? { selection } : {});
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function failures(): Promise<Record<string, string>> {
  const { rows } = await reportOf(world, server.ledger);
  return Object.fromEntries(
    rows.filter(({ result }) => result === 'failed').map(({ key = '', reason = '' }) => [key, reason]),
  );
}

const getting =
  (name: string) =>
  ({ method, path }: DavAsked): boolean =>
    method === 'GET' && path.endsWith(`/${name}`);

const withoutRange = (asked: DavAsked): DavAsked => {
  const { range: _, 'if-range': _too, ...headers } = asked.headers;
  return { ...asked, headers };
};
const status = (code: number, headers = {}) => ({ reply: () => ({ status: code, headers, body: Buffer.from('no') }) });
const longer = (reply: DavReply): DavReply => ({
  ...reply,
  body: Buffer.concat([reply.body, Buffer.alloc(11_264, 'E')]),
});
const compressed = (reply: DavReply): DavReply => ({
  ...reply,
  headers: { ...reply.headers, 'content-encoding': 'gzip' },
  body: gzipSync(reply.body),
});
const inChunks = (response: ServerResponse, { status: code, headers, body }: DavReply): void => {
  response.writeHead(code, headers);
  for (let at = 0; at < body.length; at += 65_536) response.write(body.subarray(at, at + 65_536));
  response.end();
};
/** As 206, with the right total. */
const longerRange = (reply: DavReply, asked: DavAsked): DavReply => {
  const whole = longer(reply).body;
  const [, a = '', z = ''] = /^bytes=(\d+)-(\d+)$/.exec(String(asked.headers.range)) ?? [];
  if (a === '') return { ...reply, body: whole };
  const end = Math.min(Number(z) + 1, whole.length);
  const headers = { ...reply.headers, 'content-range': `bytes ${a}-${end - 1}/${whole.length}` };
  return { status: 206, headers, body: whole.subarray(Number(a), end) };
};

const LARGE = LARGE_BYTES + 77;

/** One habit, of a small and of a large file, and what becomes of both: `moved`, or a word of the reason. */
const HABITS: readonly [string, Rule, 'moved' | RegExp][] = [
  ['answers 500', status(500), /500/],
  ['answers 423', status(423), /423/],
  ['answers 503', status(503), /503/],
  ['answers 403', status(403), /403/],
  ['answers 404 for what it lists', status(404), /404/],
  ['resets the connection', { cut: 'before' }, /reset|closed|ECONNRESET|SOCKET/],
  ['breaks off', { cut: 'within' }, /aborted|terminated|closed|length|SOCKET/],
  [
    'announces more than it sends',
    {
      serve: (response, { headers, body }) => {
        response.writeHead(200, { ...headers, 'content-length': String(body.length + 500) });
        response.write(body, () => response.destroy());
      },
      ask: withoutRange,
    },
    /bytes for a file of which|closed|terminated|SOCKET|CONTENT_LENGTH/,
  ],
  [
    'sends half of it in chunks',
    {
      ask: withoutRange,
      answer: (reply) => ({ ...reply, body: reply.body.subarray(0, reply.body.length / 2) }),
      serve: inChunks,
    },
    /bytes for a file of which|not as long/,
  ],
  [
    'sends half of it',
    { ask: withoutRange, answer: (reply) => ({ ...reply, body: reply.body.subarray(0, reply.body.length / 2) }) },
    /bytes for a file of which|not as long/,
  ],
  ['sends more than it lists, and no ranges', { ask: withoutRange, answer: longer }, /bytes for a file of which/],
  [
    'sends more than it lists, in chunks',
    { ask: withoutRange, answer: longer, serve: inChunks },
    /bytes for a file of which/,
  ],
  ['sends more than it lists, in ranges', { ask: withoutRange, answer: longerRange }, /bytes for a file of which/],
  ['compresses unasked, and knows no ranges', { ask: withoutRange, answer: compressed }, 'moved'],
  ['compresses unasked, in chunks', { ask: withoutRange, answer: compressed, serve: inChunks }, 'moved'],
  ['compresses ranges', { answer: compressed }, /compressed|not as long/],
  [
    'sends a page to log in',
    { reply: () => ({ status: 200, headers: {}, body: Buffer.from('<html>log in') }) },
    /page to log in/,
  ],
  ['sends to log in', status(302, { location: '/login' }), /404/],
];

describe('a server that lies about single files, small and large,', () => {
  it('costs these files, unless they are what it holds, and no other', async () => {
    for (const name of ['a', 'b/neighbour', 'z']) await put(from, name);
    for (const [n, [, rule]] of HABITS.entries()) {
      await put(from, `b/small-${n}`, randomBytes(5_000));
      await put(from, `b/large-${n}`, randomBytes(LARGE));
      proxy.add({ ...rule, when: (asked) => getting(`small-${n}`)(asked) || getting(`large-${n}`)(asked) });
    }
    begin({ maxFailures: 1 });

    const { state, totals } = await run();
    const failed = await failures();

    const there = await tree(from);
    const arrived = Object.entries(there).filter(([key]) => !(key in failed));
    expect(await tree(to)).toEqual(Object.fromEntries(arrived));
    expect(totals).toMatchObject({ verified: arrived.length, failures: Object.keys(failed).length, pending: 0 });
    expect(state).toBe('failed');
    expect(Object.keys(failed).filter((key) => !/^b\/(small|large)-/.test(key))).toEqual([]);
    for (const [n, [habit, , end]] of HABITS.entries()) {
      const [small, large] = [failed[`b/small-${n}`], failed[`b/large-${n}`]];
      if (end === 'moved') expect([habit, small, large]).toEqual([habit, undefined, undefined]);
      else expect([habit, large]).toEqual([habit, expect.stringMatching(end)]);
      if (end !== 'moved' && small !== undefined) expect([habit, small]).toEqual([habit, expect.stringMatching(end)]);
    }
    proxy.clear();
    expect(await run()).toMatchObject({ state: 'done', totals: { failures: 0 } });
    expect(await tree(to)).toEqual(there);
  });
});

describe('a folder that is not listed', () => {
  it('is named; under mirror what it holds stays, and its neighbours move', async () => {
    for (const name of ['a', 'b/sub/y', 'b/x', 'c/z']) await put(from, name);
    begin({ deletions: 'mirror', maxDeletions: 100 });
    await run();
    const before = await tree(to);
    proxy.add({ when: ({ method, path }) => method === 'PROPFIND' && path.endsWith('/b/'), ...status(500) });
    await rm(join(from, 'b/x'));
    await rm(join(from, 'c/z'));
    await put(from, 'd');
    expect(await run()).toMatchObject({ state: 'failed', totals: { failures: 1 } });
    expect(await failures()).toEqual({ 'b/': expect.stringContaining('500') });
    const { 'c/z': _gone, ...rest } = before;
    expect(await tree(to)).toEqual({ ...rest, d: 'd' });
    proxy.clear();
    expect(await run()).toMatchObject({ state: 'done', totals: { failures: 0 } });
    expect(await tree(to)).toEqual(await tree(from));
  });

  it('costs nothing where it is excluded: nobody asks for it', async () => {
    for (const name of ['a', 'b/sub/y', 'c/z']) await put(from, name);
    proxy.add({ when: ({ method, path }) => method === 'PROPFIND' && path.endsWith('/b/'), ...status(403) });
    begin({ exclude: { folders: ['b/**'] } });
    expect(await run()).toMatchObject({ state: 'done', totals: { failures: 0, verified: 3 } });
    expect(proxy.asked.some(({ path }) => path.includes('/b/'))).toBe(false);
  });
});

describe('names in another Unicode form than the spec', () => {
  it('are found; what fits nothing is said in the report', async () => {
    await put(from, 'Bu\u0308ro/Akte', 'x');
    await put(from, 'other', 'y');
    begin({ include: { folders: ['Büro/**', 'Archiv'] } });
    expect(await run()).toMatchObject({ state: 'done', totals: { verified: 2 } });
    const report = await reportOf(world, server.ledger);
    expect(report).toMatchObject({
      filters: [{ said: 'include.folders "Archiv" fits nothing in the source', units: 1 }],
    });
  });
});

describe('a file that another server hands out', () => {
  let store: ScriptedHttp;
  afterEach(() => store.stop());

  it('comes without the login', async () => {
    const content = randomBytes(LARGE);
    await put(from, 'a', content.subarray(0, 1_000));
    await put(from, 'large', content);
    store = await startScriptedHttp(({ path, headers }) => {
      if (headers.authorization || !path.endsWith('?signed=1%2F2')) return { status: 403 };
      const whole = path.startsWith('/large') ? content : content.subarray(0, 1_000);
      const [, a, z] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (a === undefined) return { status: 200, headers: { etag: '"of-the-store"' }, body: whole };
      const range = { 'content-range': `bytes ${a}-${z}/${whole.length}` };
      return { status: 206, headers: range, body: whole.subarray(Number(a), Number(z) + 1) };
    });
    proxy.add({
      when: ({ method }) => method === 'GET',
      reply: ({ path }) => ({
        status: 302,
        headers: { location: `${store.url}${path.slice(path.lastIndexOf('/'))}?signed=1%2F2` },
        body: Buffer.alloc(0),
      }),
    });
    begin();
    expect(await run()).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0 } });
    expect(await tree(to)).toEqual(await tree(from));
  });
});
