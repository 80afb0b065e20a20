/** Servers that lie at random about lengths, ranges and codings: what is read is what they hold, or it is refused. */
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { all, never } from '../../tests/conformance/collect.js';
import { gathered } from '../../tests/conformance/trees.js';
import type { Asked, Reply, ScriptedHttp } from '../../tests/servers/scripted-http.js';
import { multistatus, resource, startScriptedHttp } from '../../tests/servers/scripted-http.js';
import type { Container, ItemRef } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileSource } from '../kinds/files.js';
import { connector } from './index.js';

/** What a server does to an answer. */
interface Lie {
  /** Bytes beside those it holds: cut off, or put behind. */
  readonly extra: number;
  readonly coding: 'none' | 'gzip' | 'deflate' | 'wrong';
  readonly chunked: boolean;
  readonly ranges: 'honest' | 'ignored' | 'shifted' | 'untold' | 'total';
  readonly etag: 'same' | 'none' | 'other';
  readonly cut: boolean;
}

const lie: fc.Arbitrary<Lie> = fc.record({
  extra: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }) }),
  coding: fc.oneof(
    { weight: 3, arbitrary: fc.constant('none' as const) },
    fc.constantFrom('gzip' as const, 'deflate' as const, 'wrong' as const),
  ),
  chunked: fc.boolean(),
  ranges: fc.constantFrom(
    'honest' as const,
    'ignored' as const,
    'shifted' as const,
    'untold' as const,
    'total' as const,
  ),
  etag: fc.constantFrom('same' as const, 'none' as const, 'other' as const),
  cut: fc.boolean(),
});

let server: ScriptedHttp;
let session: FileSource;
let told: { readonly content: Buffer; readonly lie: Lie };

const root: Container = { key: '/', path: [], validity: '1' };

beforeAll(async () => {
  server = await startScriptedHttp(answer);
  const options = { url: `${server.url}/f`, auth: { username: 'anna', password: { env: 'X' } } };
  session = connector.source(options, { account: 'anna', kind: 'files', secret: async () => 'x' });
});
afterAll(async () => {
  session.close();
  await server.stop();
});

function answer({ method, headers }: Asked): Reply {
  const { content, lie } = told;
  if (method === 'PROPFIND') {
    const props = `<D:resourcetype/><D:getcontentlength>${content.length}</D:getcontentlength><D:getetag>"1"</D:getetag>`;
    return multistatus(resource('/f/a', props));
  }
  const held = lie.extra < 0 ? content.subarray(0, lie.extra) : Buffer.concat([content, Buffer.alloc(lie.extra, '+')]);
  const [, a, z] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  const part = a !== undefined && lie.ranges !== 'ignored';
  const from = Number(a ?? 0) + (lie.ranges === 'shifted' ? 1 : 0);
  const to = Math.min(Number(z) + 1, held.length);
  const plain = part ? held.subarray(from, Math.max(from, to)) : held;
  const body = { none: plain, wrong: plain, gzip: gzipSync(plain), deflate: deflateSync(plain) }[lie.coding];
  const total = lie.ranges === 'total' ? content.length : held.length;
  const range = part && lie.ranges !== 'untold' && { 'content-range': `bytes ${from}-${to - 1}/${total}` };
  return {
    status: part ? 206 : 200,
    headers: {
      ...(lie.etag !== 'none' && { etag: lie.etag === 'same' ? '"1"' : '"2"' }),
      ...(lie.coding !== 'none' && { 'content-encoding': lie.coding === 'wrong' ? 'gzip' : lie.coding }),
      ...range,
    },
    body,
    chunked: lie.chunked,
    ...(lie.cut && body.length > 1 && { cut: 'within' as const }),
  };
}

const file = fc.uint8Array({ minLength: 0, maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const ref = (content: Buffer): ItemRef => ({
  key: 'a',
  version: '1',
  bytes: content.length,
  rank: 0,
  meta: { type: 'file' },
});

it('a small file is what the server holds, or is refused', async () => {
  await fc.assert(
    fc.asyncProperty(file, lie, async (content, one) => {
      told = { content, lie: one };
      const [answered] = await all(session.read(root, [ref(content)], never));
      if (answered && 'body' in answered) expect(answered.body.bytes).toEqual(content);
      else expect(answered).toMatchObject({ refused: 'a', reason: expect.stringMatching(/./) });
      const honest = one.extra === 0 && one.coding !== 'wrong' && !one.cut && one.etag !== 'other';
      if (honest) expect(answered).toHaveProperty('body');
    }),
    {
      numRuns: 150,
      // Nothing is held, and nothing in that coding is as long as what is listed.
      examples: [
        [Buffer.alloc(8), { extra: -8, coding: 'deflate', chunked: false, ranges: 'honest', etag: 'same', cut: false }],
      ],
    },
  );
});

it('the ranges of a file make up what the server holds, or one of them fails', async () => {
  await fc.assert(
    fc.asyncProperty(file, lie, fc.integer({ min: 1, max: 20 }), async (content, one, step) => {
      told = { content, lie: one };
      const parts: Buffer[] = [];
      try {
        for (let from = 0; from < content.length; from += step) {
          const range = { from, bytes: Math.min(step, content.length - from) };
          parts.push(await gathered(session.open(root, ref(content), range, never)));
        }
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
        expect((error as Fault).code).toMatch(/^(refused|unavailable|source-changed)$/);
        return;
      }
      expect(Buffer.concat(parts)).toEqual(content);
    }),
    { numRuns: 150 },
  );
});
