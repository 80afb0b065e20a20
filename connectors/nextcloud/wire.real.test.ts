/** What servers and proxies do to requests and answers, on an emulated Nextcloud behind a proxy that does it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DavAsked, DavProxy } from '../../tests/servers/dav-proxy.js';
import { startDavProxy } from '../../tests/servers/dav-proxy.js';
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
import { startScriptedHttp } from '../../tests/servers/scripted-http.js';
import type { Body, ItemRef, Refused } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import { BLOCK_BYTES } from '../kinds/files.js';

let nextcloud: Nextcloud;
let proxy: DavProxy;
let sessions: Sessions;

beforeAll(async () => {
  nextcloud = await startNextcloud();
  proxy = await startDavProxy(nextcloud);
  await nextcloud.ask('PUT', 'x', {}, Buffer.from('0123456789'));
});
beforeEach(() => {
  sessions = sessionsOn(nextcloud, proxy.url);
});
afterEach(() => {
  sessions.close();
  proxy.clear();
});
afterAll(async () => {
  await proxy?.stop();
  await nextcloud?.stop();
});

const gets = ({ method }: DavAsked): boolean => method === 'GET' && true;
const ofFiles = (asked: DavAsked): boolean => gets(asked) && asked.path.includes('/files/');
const lists = ({ method, headers }: DavAsked): boolean => method === 'PROPFIND' && headers.depth === '1';
const status = (code: number, headers = {}) => ({ reply: () => ({ status: code, headers, body: Buffer.alloc(0) }) });

async function listed(): Promise<ItemRef[]> {
  const all: ItemRef[] = [];
  for await (const { entries } of sessions.source().list(ROOT, undefined, NEVER)) all.push(...entries);
  return all;
}

async function read(ref: ItemRef): Promise<Body<FileBody> | Refused | undefined> {
  for await (const one of sessions.source().read(ROOT, [ref], NEVER)) return one;
  return undefined;
}

async function range(ref: ItemRef, from: number, bytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of sessions.source().open(ROOT, ref, { from, bytes }, NEVER)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Listed behind the real ones. */
function withEntry(href: string) {
  return {
    when: lists,
    answer: (reply: { status: number; headers: object; body: Buffer }) => {
      const entry =
        `<d:response><d:href>${href}</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag><d:resourcetype/>` +
        '<d:getcontentlength>3</d:getcontentlength></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>';
      const body = Buffer.from(reply.body.toString().replace('</d:multistatus>', `${entry}</d:multistatus>`));
      return { ...reply, headers: { ...reply.headers }, body };
    },
  };
}

it.each([
  ['..', '%2E%2E'],
  ['%2e%2e', '%2e%2e'],
  ['..%2F..%2Fetc%2Fpasswd', '..%2F..%2Fetc%2Fpasswd'],
  ['a%00b', 'a%00b'],
  ['%ff', '%ff'],
])('shows the name %s, and never reads it', async (name, key) => {
  proxy.add(withEntry(`/remote.php/dav/files/anna/${name}`));
  const odd = (await listed()).find((one) => one.key !== 'x') as ItemRef;
  expect(odd.key).toBe(key);
  const before = proxy.asked.length;
  expect(await read(odd)).toMatchObject({ refused: key });
  await expect(range(odd, 0, 1)).rejects.toMatchObject({ code: 'refused' });
  expect(proxy.asked.slice(before).filter(ofFiles)).toEqual([]);
});

it.each(['/remote.php/dav/files/bert/y', '/remote.php/dav/files/y', '/y', 'http://elsewhere.example/remote.php/y'])(
  'passes over %s, which is in another folder',
  async (href) => {
    proxy.add(withEntry(href));
    expect((await listed()).map(({ key }) => key)).toEqual(['x']);
  },
);

it.each([
  [404, 'left out: it went away', ['x']],
  [403, 'named, and refused', ['x', 'y']],
  [503, 'named, and refused', ['x', 'y']],
] as const)('an entry of which the server says %i is %s', async (code, _, found) => {
  const entry = `<d:response><d:href>/remote.php/dav/files/anna/y</d:href><d:status>HTTP/1.1 ${code} No</d:status></d:response>`;
  proxy.add({
    when: lists,
    answer: (reply) => ({
      ...reply,
      body: Buffer.from(reply.body.toString().replace('</d:multistatus>', `${entry}</d:multistatus>`)),
    }),
  });
  const refs = await listed();
  expect(refs.map(({ key }) => key)).toEqual(found);
  if (refs[1]) expect(await read(refs[1])).toMatchObject({ refused: 'y', reason: expect.stringContaining(`${code}`) });
});

it('a folder that is listed and not found is not taken for an empty one, one that went away is', async () => {
  await nextcloud.ask('MKCOL', 'folder');
  const within = (asked: DavAsked): boolean => lists(asked) && asked.path.endsWith('/folder/');
  proxy.add({ when: within, times: 2, ...status(404) });
  const [folder] = (await listed()) as [ItemRef];
  expect(await read(folder)).toMatchObject({ refused: 'folder/', reason: expect.stringContaining('does not find it') });
  proxy.add({ when: within, times: 1, meanwhile: () => nextcloud.ask('DELETE', 'folder') });
  expect((await listed()).map(({ key }) => key)).toEqual(['folder/', 'x']);
  expect((await listed()).map(({ key }) => key)).toEqual(['x']);
});

it('does not take a listing under other addresses for an empty folder', async () => {
  proxy.add({
    when: lists,
    answer: (reply) => ({
      ...reply,
      body: Buffer.from(reply.body.toString().replaceAll('/remote.php/', '/cloud/remote.php/')),
    }),
  });
  await expect(listed()).rejects.toMatchObject({ code: 'unavailable' });
});

it('tells a body that was cut off, in either way of reading', async () => {
  const [ref] = (await listed()) as [ItemRef];
  const cut = proxy.add({ when: ofFiles, cut: 'within' });
  expect(await read(ref)).toMatchObject({ refused: 'x', again: true });
  await expect(range(ref, 2, 6)).rejects.toMatchObject({ code: 'unavailable' });
  expect(cut.used).toBe(2);
});

it('drops what a server sends that knows no ranges', async () => {
  const [ref] = (await listed()) as [ItemRef];
  const whole = proxy.add({
    when: ofFiles,
    ask: (asked) => {
      const { range: _, ...headers } = asked.headers;
      return { ...asked, headers };
    },
  });
  expect(await range(ref, 3, 4)).toBe('3456');
  expect(whole.used).toBe(1);
});

it('takes a login that ends in the middle for what it is', async () => {
  const [ref] = (await listed()) as [ItemRef];
  const refusing = sessions.source();
  await refusing.place(NEVER);
  const one = proxy.add({ when: ofFiles, times: 1, ...status(401) });
  expect(await read(ref)).toMatchObject({ refused: 'x', again: true });
  expect(one.used).toBe(1);
  proxy.add({ when: ({ path }) => path.includes('/files/'), ...status(401) });
  const reading = async () => {
    for await (const _ of refusing.read(ROOT, [ref], NEVER));
  };
  await expect(reading()).rejects.toMatchObject({ code: 'credentials' });
});

describe('what is not the account’s own', () => {
  /** The server says of these entries, and of the root, how they came into the account. */
  const mounts = (types: Readonly<Record<string, string>>) => ({
    when: ({ method }: DavAsked): boolean => method === 'PROPFIND',
    answer: (reply: { status: number; headers: object; body: Buffer }) => {
      const body = reply.body
        .toString()
        .replaceAll(/<d:response><d:href>([^<]*)<\/d:href>[\s\S]*?<\/d:response>/g, (one, href) => {
          const type = types[String(href).replace('/remote.php/dav/files/anna', '')];
          const prop = `<nc:mount-type xmlns:nc="http://nextcloud.org/ns">${type}</nc:mount-type>`;
          return type === undefined
            ? one
            : one
                .replace('<d:resourcetype>', `${prop}<d:resourcetype>`)
                .replace('<d:resourcetype/>', `${prop}<d:resourcetype/>`);
        });
      return { ...reply, headers: { ...reply.headers }, body: Buffer.from(body) };
    },
  });
  const TYPES = { '/Shared/': 'shared', '/Team/': 'group', '/letter': 'shared', '/Disk/': 'external', '/Own/': '' };

  beforeEach(async () => {
    for (const folder of ['Shared', 'Team', 'Disk', 'Own']) {
      await nextcloud.ask('MKCOL', folder);
      await nextcloud.ask('PUT', `${folder}/a`, {}, Buffer.from('a'));
    }
    await nextcloud.ask('PUT', 'letter', {}, Buffer.from('a'));
  });
  afterEach(async () => {
    for (const name of ['Shared', 'Team', 'Disk', 'Own', 'letter']) await nextcloud.ask('DELETE', name);
  });

  const listedWith = async (options: { shared?: 'move' | 'skip'; folder?: string }): Promise<ItemRef[]> => {
    const all: ItemRef[] = [];
    for await (const { entries } of sessions.source(options).list(ROOT, undefined, NEVER)) all.push(...entries);
    return all;
  };

  it('is named, skipped and not opened', async () => {
    proxy.add(mounts(TYPES));
    const refs = await listedWith({});
    expect(refs.map(({ key }) => key)).toEqual(['Disk/', 'Disk/a', 'Own/', 'Own/a', 'Shared/', 'Team/', 'letter', 'x']);
    for (const ref of refs.filter(({ key }) => ['Shared/', 'Team/', 'letter'].includes(key))) {
      expect(await read(ref)).toMatchObject({ skipped: true, reason: expect.stringContaining('shared: move') });
    }
    expect(proxy.asked.some(({ path }) => /Shared|Team/.test(path))).toBe(false);
    const told = await sessions.source().describe(NEVER);
    expect(told.find(({ name }) => name === 'shared by others')?.remark).toContain('3 in the root, left out');
  });

  it('moves where the spec says so, or names it', async () => {
    proxy.add(mounts({ ...TYPES, '/Shared/a': 'shared' }));
    expect(await listedWith({ shared: 'move' })).toHaveLength(10);
    expect((await listedWith({ folder: 'Shared' })).map(({ key }) => key)).toEqual(['a']);
  });

  it('is listed anew where the spec says otherwise', async () => {
    const token = async (shared: 'move' | 'skip') => {
      for await (const container of sessions.source({ shared }).containers(NEVER)) return container.token;
      return undefined;
    };
    expect(await token('move')).toBeDefined();
    expect(await token('move')).not.toBe(await token('skip'));
  });
});

it('sends the login nowhere else', async () => {
  const elsewhere = await startScriptedHttp(() => ({ status: 200 }));
  try {
    proxy.add({ when: ({ path }) => path.includes('/remote.php/'), ...status(302, { location: `${elsewhere.url}/` }) });
    await expect(listed()).rejects.toMatchObject({ code: 'spec' });
    await expect(write(sessions.target(), [createOf(fileBody('y', 'y'))])).rejects.toMatchObject({ code: 'spec' });
    expect(elsewhere.asked).toEqual([]);
  } finally {
    await elsewhere.stop();
  }
});

it.each([
  [423, {}, { code: 'unavailable' }],
  [500, {}, { code: 'unavailable' }],
  [507, {}, { code: 'quota' }],
  [429, { 'retry-after': '3' }, { code: 'throttled', retryAfterMs: 3_000 }],
  [503, { 'retry-after': '120' }, { code: 'throttled', retryAfterMs: 120_000 }],
  [401, {}, { code: 'credentials' }],
])('ends a write at %i', async (code, headers, fault) => {
  const target = sessions.target();
  await target.place(NEVER);
  proxy.add({ when: ({ method }) => method === 'PUT', ...status(code, headers) });
  const writing = write(target, [createOf(fileBody('y', 'y'))]);
  // A lock concerns one file: it is asked for again, then refused with the server's words.
  if (code === 423) expect(await writing).toMatchObject([{ refused: 'y' }]);
  else await expect(writing).rejects.toMatchObject(fault);
  const upload = { token: `t${code}`, path: 'z', bytes: 3, partBytes: BLOCK_BYTES, meta: {} };
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('abc');
  }
  await target.uploads.begin(TARGET_ROOT, upload, NEVER);
  await expect(target.uploads.send(TARGET_ROOT, upload, 0, content(), NEVER)).rejects.toMatchObject(fault);
});

it('refuses one item that the server refuses, and writes its neighbours', async () => {
  const target = sessions.target();
  proxy.add({ when: ({ method, path }) => method === 'PUT' && path.endsWith('/bad'), ...status(403) });
  const answers = await write(
    target,
    ['n1', 'bad', 'n2'].map((path) => createOf(fileBody(path, path))),
  );
  expect(answers).toMatchObject([{ ref: 'n1' }, { refused: 'bad' }, { ref: 'n2' }]);
  for (const path of ['n1', 'n2']) await nextcloud.ask('DELETE', path);
});

it('does not answer for files whose bulk upload was cut off, and finds them', async () => {
  const target = sessions.target();
  await write(target, [createOf(fileBody('b/', ''))]);
  const writes = Array.from({ length: 5 }, (_, n) => createOf(fileBody(`b/${n}`, `content ${n}`)));
  proxy.add({ when: ({ path }) => path.endsWith('/bulk'), times: 1, cut: 'after' });
  await expect(write(target, writes)).rejects.toMatchObject({ code: 'unavailable' });
  const intents = writes.map(({ token, ...rest }) => ({
    token,
    path: token,
    digest: (rest as { digest: string }).digest,
  }));
  const found: string[] = [];
  for await (const one of target.locate(TARGET_ROOT, intents, '', async () => new Set(), NEVER)) found.push(one.found);
  expect(found).toEqual(Array.from({ length: 5 }, () => 'landed'));
  await nextcloud.ask('DELETE', 'b');
});
