/** Ways of WebDAV servers, and what they answer at bad moments, put before a real one, on either side. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tree } from '../engine/file-tree.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { startApache } from '../servers/apache.js';
import { reply, withoutEtagAfterPut } from '../servers/dav-behaviours.js';
import type { DavAsked, DavReply, Rule } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import type { FileWorld } from './file-world.js';
import { contentAt, createFileWorld, expectQuiet, expectSame, fill, LARGE, runThrough } from './file-world.js';

let ledger: LedgerServer;
let apache: DavServer;
beforeAll(async () => {
  [ledger, apache] = await Promise.all([startLedger(), startApache({ users: ['anna'] })]);
});
afterAll(() => Promise.all([ledger?.stop(), apache?.stop()]));

async function inWorld(tell: (world: FileWorld) => Promise<void>): Promise<void> {
  const world = await createFileWorld(ledger.ledger, apache);
  try {
    await tell(world);
  } finally {
    await world.close();
  }
}

const isGet = ({ method }: DavAsked): boolean => method === 'GET';
const isLargeGet = ({ method, path }: DavAsked): boolean => method === 'GET' && path.endsWith('/large.bin');
const isPut = ({ method }: DavAsked): boolean => method === 'PUT';
const isPart = ({ method, path }: DavAsked): boolean => method === 'PUT' && path.endsWith('.part');
const isMove = ({ method }: DavAsked): boolean => method === 'MOVE';
const isListing = ({ method, headers }: DavAsked): boolean => method === 'PROPFIND' && headers.depth === '1';
const shortened = ({ status, headers, body }: DavReply): DavReply => ({
  status,
  headers: { ...headers, 'content-length': String(body.length) },
  body: body.subarray(0, Math.floor(body.length / 2)),
});
const without = (name: string, { headers, ...rest }: DavReply): DavReply => {
  const { [name]: _, ...left } = headers;
  return { ...rest, headers: left };
};

const ODDITIES: Record<string, { at: 'source' | 'target'; rule: Rule; faults?: readonly string[] }> = {
  'cuts the connection before a GET': {
    at: 'source',
    rule: { when: isGet, times: 1, cut: 'before' },
  },
  'cuts the connection within a GET': {
    at: 'source',
    rule: { when: isLargeGet, times: 1, cut: 'within' },
  },
  'cuts the connection before a PUT': {
    at: 'target',
    rule: { when: isPut, times: 1, cut: 'before' },
    faults: ['unavailable'],
  },
  'loses the answer to a PUT': { at: 'target', rule: { when: isPut, times: 1, cut: 'after' }, faults: ['unavailable'] },
  'loses the answer to a part': {
    at: 'target',
    rule: { when: isPart, times: 1, cut: 'after' },
    faults: ['unavailable'],
  },
  'loses the answer to MOVE': { at: 'target', rule: { when: isMove, times: 1, cut: 'after' }, faults: ['unavailable'] },
  'loses the answer to MKCOL': {
    at: 'target',
    rule: { when: ({ method }) => method === 'MKCOL', times: 1, cut: 'after' },
    faults: ['unavailable'],
  },
  'sends half of a file': { at: 'source', rule: { when: isGet, times: 1, answer: shortened } },
  'ignores Range': {
    at: 'source',
    rule: { when: isLargeGet, ask: ({ headers: { range: _, ...headers }, ...asked }) => ({ ...asked, headers }) },
  },
  'tells no ETags of what it sends': {
    at: 'source',
    rule: { when: isGet, answer: (answer) => without('etag', answer) },
  },
  'tells no ETag after a PUT': { at: 'target', rule: withoutEtagAfterPut },
  'answers 401 once': {
    at: 'source',
    rule: { when: isLargeGet, times: 1, reply: () => reply(401) },
  },
  'answers 423': { at: 'target', rule: { when: isPut, times: 1, reply: () => reply(423) } },
  'answers 429 with Retry-After': {
    at: 'target',
    rule: { when: isPut, times: 1, reply: () => reply(429, { 'retry-after': '0' }) },
    faults: ['throttled'],
  },
  'answers 503 with Retry-After': {
    at: 'source',
    rule: { when: isListing, times: 1, reply: () => reply(503, { 'retry-after': '0' }) },
    faults: ['throttled'],
  },
  'answers 502 to a listing': {
    at: 'source',
    rule: { when: isListing, times: 1, reply: () => reply(502) },
    faults: ['unavailable'],
  },
  'sends half of a listing': {
    at: 'source',
    rule: { when: isListing, times: 1, answer: shortened },
    faults: ['unavailable'],
  },
  'answers a listing with a web page': {
    at: 'source',
    rule: {
      when: isListing,
      times: 1,
      reply: () => reply(200, { 'content-type': 'text/html' }, '<html>Log in</html>'),
    },
    faults: ['unavailable'],
  },
  'answers 504 to MOVE, and it landed': {
    at: 'target',
    rule: { when: isMove, times: 1, answer: () => reply(504) },
    faults: ['unavailable'],
  },
  'answers 423 to MOVE, and it did not land': {
    at: 'target',
    rule: { when: isMove, times: 1, reply: () => reply(423) },
  },
  'says 507 once': { at: 'target', rule: { when: isPart, times: 1, reply: () => reply(507) }, faults: ['parked'] },
};

describe('a server that', () => {
  for (const [name, { at, rule, faults = [] }] of Object.entries(ODDITIES)) {
    it(name, () =>
      inWorld(async (world) => {
        await fill(world);
        const used = world[at === 'source' ? 'toSource' : 'toTarget'].add(rule);
        const { ran, met } = await runThrough(world);
        expect(used.used, 'the rule came to bear').toBeGreaterThan(0);
        expect(met).toEqual(faults);
        await expectSame(world, ran);
        await expectQuiet(world);
      }),
    );
  }

  it('redirects elsewhere never gets the login', () =>
    inWorld(async (world) => {
      await fill(world);
      const seen: (string | undefined)[] = [];
      const elsewhere = createServer((request, response) => {
        seen.push(request.headers.authorization);
        response.end('x');
      });
      await new Promise<void>((go) => elsewhere.listen(0, '127.0.0.1', go));
      const url = `http://localhost:${(elsewhere.address() as AddressInfo).port}/`;
      world.toSource.add({ when: isGet, reply: () => reply(302, { location: url }) });
      world.toTarget.add({ when: isPut, reply: () => reply(307, { location: url }) });
      await world.run().catch(() => undefined);
      elsewhere.close();
      expect(seen.filter((login) => login !== undefined)).toEqual([]);
    }));

  it('names files that lead out of their folder gets none of them written', () =>
    inWorld(async (world) => {
      await fill(world);
      const evil = ['../evil', '..%2fevil', '%2e%2e/evil', '..', '%2e%2e', '/etc/evil', 'x%00y'];
      world.toSource.add({
        when: isListing,
        answer: ({ body, ...answer }) => {
          const xml = body.toString();
          const base = /href>([^<]*)</.exec(xml)?.[1] ?? '/';
          const entry = (href: string): string =>
            `<D:response><D:href>${href.startsWith('/') ? href : base + href}</D:href><D:propstat><D:prop><D:getetag>"1"</D:getetag><D:getcontentlength>1</D:getcontentlength><D:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
          return {
            ...answer,
            body: Buffer.from(xml.replace('</D:multistatus>', `${evil.map(entry).join('')}</D:multistatus>`)),
          };
        },
      });
      const { result } = await world.run({ maxFailures: 1 });
      expect(result).toMatchObject({ totals: { pending: 0 } });
      expect(await tree(world.to)).toEqual(await tree(world.from));
      const outside = Object.keys(await tree(apache.folder)).filter((path) => path.includes('evil'));
      expect(outside).toEqual([]);
    }));
});

describe('a file that', () => {
  it('changes between its listing and its reading arrives as it is then', () =>
    inWorld(async (world) => {
      await fill(world);
      let done = false;
      const edit = async (asked: DavAsked): Promise<void> => {
        if (done) return;
        done = true;
        await world.put(
          world.from,
          decodeURIComponent(asked.path.split('/').slice(3).join('/')),
          randomBytes(LARGE + 99),
        );
      };
      world.toSource.add({ when: isLargeGet, meanwhile: edit });
      await world.run();
      const again = await world.run();
      await expectSame(world, again);
      expect((await contentAt(world.to, 'large.bin')).length).toBe(LARGE + 99);
    }));

  it('somebody else puts in the place of a new one stays', () =>
    inWorld(async (world) => {
      await fill(world);
      for (const [path, when] of [
        ['a.txt', ({ method, path }: DavAsked) => method === 'PUT' && path.endsWith('/a.txt')],
        ['large.bin', isMove],
      ] as const) {
        let done = false;
        world.toTarget.add({
          when,
          meanwhile: async () => {
            if (!done) await world.put(world.to, path, 'a person was quicker');
            done = true;
          },
        });
      }
      const { result } = await world.run();
      expect(result).toMatchObject({ totals: { conflicts: 2, pending: 0 } });
      for (const path of ['a.txt', 'large.bin']) {
        expect((await contentAt(world.to, path)).toString()).toBe('a person was quicker');
      }
      await expectQuiet(world, { conflicts: 2 });
    }));
});
