/** Answers of WebDAV servers that look right and are not, on either side, for small files and large ones. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { startApache } from '../servers/apache.js';
import { ignoresIfNoneMatch, RESPONSE, reply, rewritten, spellsHrefsAnew } from '../servers/dav-behaviours.js';
import type { DavAsked, DavReply, Rule } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import type { FileWorld } from './file-world.js';
import { contentsOf, createFileWorld, expectQuiet, expectSame, fill, LARGE, runThrough } from './file-world.js';

let ledger: LedgerServer;
let apache: DavServer;
beforeAll(async () => {
  [ledger, apache] = await Promise.all([startLedger(), startApache({ users: ['anna'] })]);
});
afterAll(() => Promise.all([ledger?.stop(), apache?.stop()]));

/** How long a server may be silent: as little as a busy machine allows. */
const REPLY_MS = 1_500;

const asks =
  (method: string, path = ''): NonNullable<Rule['when']> =>
  (asked) =>
    asked.method === method && asked.path.endsWith(path);
const small = asks('GET', '/a.txt');
const large = asks('GET', '/large.bin');
const isProbe = ({ path }: DavAsked): boolean => /\/\.drover-[^/]*\.part$/.test(path);
const newSmall = (asked: DavAsked): boolean => asked.method === 'PUT' && !isProbe(asked);
/** The last step of the large file, not the trial before the first write. */
const lastStep = (asked: DavAsked): boolean =>
  asked.method === 'MOVE' && String(asked.headers.destination).endsWith('/large.bin');

const PAGE = '<!doctype html><html><body>Log in, please</body></html>';
const page = (bytes = PAGE.length): DavReply => reply(200, { 'content-type': 'text/html' }, PAGE.padEnd(bytes));

/** As HTTP/1.0 did: the end of the connection is the end of the body. */
const withoutLength =
  (share: number, without: readonly string[] = []) =>
  (response: ServerResponse, { status, headers, body }: DavReply): void => {
    response.useChunkedEncodingByDefault = false;
    const kept = Object.entries(headers).filter(([name]) => !without.includes(name));
    response.writeHead(status, { ...Object.fromEntries(kept), connection: 'close' });
    response.end(body.subarray(0, Math.floor(body.length * share)));
  };

const stalls = (response: ServerResponse, { status, headers, body }: DavReply): void => {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.write(body.subarray(0, Math.floor(body.length / 2)));
};

const drips = (response: ServerResponse, { status, headers, body }: DavReply): void => {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  const step = Math.ceil(body.length / 20);
  const drip = (at: number): void => {
    if (at >= body.length) response.end();
    else response.write(body.subarray(at, at + step), () => setTimeout(drip, 20, at + step));
  };
  drip(0);
};

const saysLess = (response: ServerResponse, { status, headers, body }: DavReply): void => {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  response.socket?.write(`HTTP/1.1 ${status} OK\r\n${head.join('')}content-length: ${body.length - 2}\r\n\r\n`);
  response.socket?.end(body);
};

const ETAG_HEADERS: Rule = {
  answer: ({ headers: { etag: _, ...headers }, ...answer }) => ({ ...answer, headers }),
};
const ETAG_PROPERTIES: Rule = {
  when: asks('PROPFIND'),
  answer: (answer) => rewritten(answer, (xml) => xml.replace(/<((?:\w+:)?)getetag\b[^>]*>[^<]*<\/\1getetag>/g, '')),
};

const weak = (etag: string): string => (etag.startsWith('W/') ? etag : `W/${etag}`);
/** RFC 9110, 13.1.1: no weak ETag matches If-Match. */
const ONLY_WEAK: Rule[] = [
  { when: ({ headers }) => /"/.test(String(headers['if-match'])), reply: () => reply(412) },
  {
    answer: (answer) => {
      const { etag } = answer.headers;
      const told =
        etag === undefined ? answer : { ...answer, headers: { ...answer.headers, etag: weak(String(etag)) } };
      return answer.status === 207 ? rewritten(told, (xml) => xml.replace(/(getetag>)(?:W\/)?(")/g, '$1W/$2')) : told;
    },
  },
];
const DAY_MS = 24 * 3600 * 1000;
const skewed = (ms: number): Rule => ({
  answer: (answer) => {
    const later = (date: string): string => new Date(Date.parse(date) + ms).toUTCString();
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) =>
        ['date', 'last-modified'].includes(name) ? [name, later(String(value))] : [name, value],
      ),
    );
    if (answer.status !== 207) return { ...answer, headers };
    return rewritten({ ...answer, headers }, (xml) =>
      xml.replace(/(getlastmodified[^>]*>)([^<]*)(<)/g, (_, a, date, b) => a + later(date) + b),
    );
  },
});

const withoutConditions: Rule = {
  ask: ({ headers: { 'if-match': _m, 'if-none-match': _n, if: _i, ...headers }, ...asked }) => ({ ...asked, headers }),
};
const alwaysOverwrites: Rule = {
  when: asks('MOVE'),
  ask: ({ headers, ...asked }) => ({ ...asked, headers: { ...headers, overwrite: 'T' } }),
};

interface Oddity {
  readonly at: 'source' | 'target';
  readonly rules: readonly Rule[];
  /** What came in between; none where the server is only odd. */
  readonly met?: readonly string[];
}

const once = (rule: Rule): Rule => ({ times: 1, ...rule });

const ODDITIES: Record<string, Oddity> = {
  'ends a small file early, without a length': {
    at: 'source',
    rules: [once({ when: small, serve: withoutLength(0.5) })],
  },
  'ends a small file early, without a length or an ETag': {
    at: 'source',
    rules: [once({ when: small, serve: withoutLength(0.5, ['etag']) })],
  },
  'ends a large file early, without a length': {
    at: 'source',
    rules: [once({ when: large, serve: withoutLength(0.5, ['etag']) })],
  },
  'tells no lengths': { at: 'source', rules: [{ when: asks('GET'), serve: withoutLength(1) }] },
  'says that a small file is shorter': {
    at: 'source',
    rules: [once({ when: small, serve: saysLess })],
  },
  'says that a large file is shorter': {
    at: 'source',
    rules: [once({ when: large, serve: saysLess })],
  },
  'stalls in a small file': { at: 'source', rules: [once({ when: small, serve: stalls })] },
  'stalls in a large file': { at: 'source', rules: [once({ when: large, serve: stalls })] },
  'stalls in a listing': {
    at: 'source',
    rules: [once({ when: (asked) => asked.method === 'PROPFIND' && asked.headers.depth === '1', serve: stalls })],
    met: ['unavailable'],
  },
  'is slow': { at: 'source', rules: [{ when: (asked) => small(asked) || large(asked), serve: drips }] },
  'has no ETags at all': { at: 'source', rules: [ETAG_HEADERS, ETAG_PROPERTIES] },
  'has no ETags at all, as a target': { at: 'target', rules: [ETAG_HEADERS, ETAG_PROPERTIES] },
  'has weak ETags only': { at: 'source', rules: ONLY_WEAK },
  'has weak ETags only, as a target': { at: 'target', rules: ONLY_WEAK },
  'is a day ahead': { at: 'source', rules: [skewed(DAY_MS)] },
  'is a day behind': { at: 'source', rules: [skewed(-DAY_MS)] },
  'is a day ahead, as a target': { at: 'target', rules: [skewed(DAY_MS)] },
  'asks to be left alone until a date of its own clock, a day ahead': {
    at: 'source',
    rules: [
      once({
        when: small,
        reply: () =>
          reply(503, {
            date: new Date(Date.now() + DAY_MS).toUTCString(),
            'retry-after': new Date(Date.now() + DAY_MS).toUTCString(),
          }),
      }),
    ],
    met: ['throttled'],
  },
  'lists everything twice': {
    at: 'source',
    rules: [
      {
        when: asks('PROPFIND'),
        answer: (answer) => rewritten(answer, (xml) => xml.replace(RESPONSE, (member) => member + member)),
      },
    ],
  },
  'ignores If-None-Match': { at: 'target', rules: [ignoresIfNoneMatch] },
  'ignores all conditions': { at: 'target', rules: [withoutConditions] },
  'ignores all conditions, and Overwrite': { at: 'target', rules: [withoutConditions, alwaysOverwrites] },
  'answers 401 to a PUT once': {
    at: 'target',
    rules: [once({ when: newSmall, reply: () => reply(401) })],
    met: ['parked'],
  },
  'answers 507 to a small file once': {
    at: 'target',
    rules: [once({ when: newSmall, reply: () => reply(507) })],
    met: ['parked'],
  },
  'answers 409 to a PUT once': { at: 'target', rules: [once({ when: newSmall, reply: () => reply(409) })] },
  'answers MOVE with a page once': { at: 'target', rules: [once({ when: lastStep, reply: () => page() })] },
  'answers 409 to MOVE once': { at: 'target', rules: [once({ when: lastStep, reply: () => reply(409) })] },
  'does not answer a PUT': { at: 'target', rules: [once({ when: newSmall, serve: () => {} })], met: ['unavailable'] },
  'does not answer MOVE': { at: 'target', rules: [once({ when: lastStep, serve: () => {} })], met: ['unavailable'] },
  'ends what is read back early, without a length': {
    at: 'target',
    rules: [once({ when: small, serve: withoutLength(0.5) })],
    met: ['unavailable'],
  },
  'sends half of what is read back': {
    at: 'target',
    rules: [once({ when: small, cut: 'within' })],
    met: ['unavailable'],
  },
  'stalls in what is read back': { at: 'target', rules: [once({ when: large, serve: stalls })], met: ['unavailable'] },
};

async function inWorld(tell: (world: FileWorld) => Promise<void>): Promise<void> {
  const world = await createFileWorld(ledger.ledger, apache, {}, { timeouts: { replyMs: REPLY_MS } });
  try {
    await tell(world);
  } finally {
    await world.close();
  }
}

describe('a server that', () => {
  for (const [name, { at, rules, met = [] }] of Object.entries(ODDITIES)) {
    it(name, () =>
      inWorld(async (world) => {
        await fill(world);
        const proxy = world[at === 'source' ? 'toSource' : 'toTarget'];
        const used = rules.map((rule) => proxy.add(rule));
        const through = await runThrough(world);
        expect(Math.max(...used.map((one) => one.used)), 'the rules came to bear').toBeGreaterThan(0);
        expect(through.met).toEqual(met);
        await expectSame(world, through.ran);
        // Odd ways last: the next run meets them, too.
        await expectQuiet(world, undefined, () => {
          for (const rule of rules) if (rule.times === undefined) proxy.add(rule);
        });
      }),
    );
  }

  for (const [size, when, bytes] of [
    ['a small file', small, PAGE.length],
    ['a large file', large, PAGE.length],
    ['a large file, with a page that is even larger,', large, LARGE + 5],
  ] as const) {
    it(`answers ${size} with a page does not pass for its content`, () =>
      inWorld(async (world) => {
        await fill(world);
        world.toSource.add({ when, reply: () => page(bytes) });
        const { result } = await world.run({ maxFailures: 1 });
        world.toSource.clear();
        expect(result).toMatchObject({ totals: { failures: 1, pending: 0, verified: 7 } });
        expect(Object.keys(await contentsOf(world.to))).toHaveLength(7);
        await expectSame(world, await world.run({}, 'retry'));
        await expectQuiet(world);
      }));
  }

  it('spells each href anew', () =>
    inWorld(async (world) => {
      await fill(world);
      for (const proxy of [world.toSource, world.toTarget]) proxy.add(spellsHrefsAnew(() => proxy.url));
      await expectSame(world, await world.run());
    }));

  it('answers 504 to MOVE and then 423, and does it in the end', () =>
    inWorld(async (world) => {
      await fill(world);
      let late: DavAsked | undefined;
      world.toTarget.add({
        when: lastStep,
        times: 1,
        reply: (asked) => {
          late = asked;
          return reply(504);
        },
      });
      const locked = world.toTarget.add({
        when: (asked) => lastStep(asked) && late !== undefined,
        times: 2,
        reply: () => reply(423),
      });
      let landed = false;
      world.toTarget.add({
        when: ({ method }) => method === 'PROPFIND',
        async meanwhile(_asked, behind) {
          if (landed || locked.used < 2 || !late) return;
          landed = true;
          expect((await behind(late)).status).toBe(201);
        },
      });
      const { ran, met } = await runThrough(world);
      expect(landed).toBe(true);
      expect(met).toEqual([]);
      await expectSame(world, ran);
      await expectQuiet(world);
    }));

  it('answers a PUT with a page, and stores nothing, does not pass for one that stored it', () =>
    inWorld(async (world) => {
      await fill(world);
      world.toTarget.add({ when: newSmall, times: 1, reply: () => page() });
      const first = await world.run();
      expect(first.result).toMatchObject({ totals: { failures: 1, pending: 0, verified: 7 } });
      await expectSame(world, await world.run({}, 'retry'));
      await expectQuiet(world);
    }));
});

describe('a large file in parts', () => {
  const BYTES = 64 * 1024 * 1024 + LARGE;
  const second = (asked: DavAsked): boolean => /^bytes=67108864-/.test(String(asked.headers.range));
  const secondPart = (asked: DavAsked): boolean => /^bytes 67108864-/.test(String(asked.headers['content-range']));

  for (const [name, at, rule, met, sent] of [
    ['401 from the source at the second part', 'source', { when: second, reply: () => reply(401) }, ['unavailable'], 2],
    [
      '429 from the source at the second part',
      'source',
      { when: second, reply: () => reply(429, { 'retry-after': '0' }) },
      ['throttled'],
      2,
    ],
    ['401 from the target at the second part', 'target', { when: secondPart, reply: () => reply(401) }, ['parked'], 3],
    ['507 from the target at the second part', 'target', { when: secondPart, reply: () => reply(507) }, ['parked'], 3],
    [
      '423 from the target at the second part',
      'target',
      { when: secondPart, reply: () => reply(423) },
      ['unavailable'],
      3,
    ],
  ] as const) {
    it(`goes on after ${name}, and sends no part again that was acknowledged`, () =>
      inWorld(async (world) => {
        await world.put(world.from, 'large.bin', randomBytes(BYTES));
        world[at === 'source' ? 'toSource' : 'toTarget'].add({ ...rule, times: 1 });
        const through = await runThrough(world);
        expect(through.met).toEqual(met);
        expect(through.ran.result).toMatchObject({ totals: { verified: 1, failures: 0, pending: 0 } });
        const parts = world.toTarget.asked.filter(({ method, body }) => method === 'PUT' && body.length > 1_000);
        expect(parts.map(({ headers }) => String(headers['content-range']).slice(0, 14))).toEqual([
          'bytes 0-671088',
          ...Array<string>(sent - 1).fill('bytes 67108864'),
        ]);
        await expectQuiet(world);
      }));
  }
});
