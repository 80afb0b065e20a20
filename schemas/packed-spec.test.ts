import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, specHash } from './hash.js';
import { MAX_PARTS, PART_BYTES, packSpec, unpackSpec } from './packed-spec.js';
import type { Account, Spec } from './spec.js';

/** What encryption adds, and Temporal's own wrapping, are some hundred bytes. */
const TEMPORAL_TAKES = 2 * 1024 * 1024 - 10_000;

const spec = (accounts: readonly Account[]): Spec => ({
  version: 1,
  name: 'move',
  sources: { old: { type: 'imap', options: { host: 'old.example' } } },
  targets: { new: { type: 'imap', options: { host: 'new.example' } } },
  selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts }],
});

const people = (count: number): Account[] =>
  Array.from({ length: count }, (_, n) => ({
    from: `person-${n}@old.example.org`,
    to: `p.${n * 7919}@new.example.org`,
  }));

const textOf = (bytes: Uint8Array): string => gzipSync(bytes).toString('base64');
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('packing', () => {
  it('gives back what was packed, whatever the accounts are called', () => {
    const account = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 320 });
    fc.assert(
      fc.property(fc.array(fc.record({ from: account, to: account }), { maxLength: 50 }), (accounts) => {
        const parts = packSpec(spec(accounts));
        expect(parts.map(({ hash, part, of }) => ({ hash, part, of }))).toEqual([
          { hash: specHash(spec(accounts)), part: 1, of: 1 },
        ]);
        const unpacked = unpackSpec(
          specHash(spec(accounts)),
          parts.map(({ data }) => data),
        );
        expect(unpacked).toEqual({ spec: JSON.parse(canonicalJson(spec(accounts))) });
      }),
    );
  });

  it('cuts 150,000 accounts into parts that fit into a message each', () => {
    const parts = packSpec(spec(people(150_000)));
    const unpacked = unpackSpec(
      specHash(spec(people(150_000))),
      parts.map(({ data }) => data),
    );

    expect(parts.length).toBeGreaterThan(5);
    expect(parts.length).toBeLessThan(MAX_PARTS);
    expect(parts.map(({ part, of }) => [part, of])).toEqual(parts.map((_, n) => [n + 1, parts.length]));
    for (const { data } of parts) expect(data.length).toBeLessThan(500_000);
    expect(unpacked).toMatchObject({ spec: { selections: [{ accounts: { length: 150_000 } }] } });
  });

  it('cuts in the middle of a character, and puts it together again', () => {
    const long = spec([{ from: 'ä'.repeat(PART_BYTES), to: '€'.repeat(PART_BYTES) }]);

    const unpacked = unpackSpec(
      specHash(long),
      packSpec(long).map(({ data }) => data),
    );

    expect(unpacked).toEqual({ spec: long });
  });

  it('fits into a message even where nothing can be compressed', () => {
    let seed = 1;
    const noise = Buffer.from(
      Array.from({ length: PART_BYTES }, () => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed & 0xff;
      }),
    );

    expect(textOf(noise).length).toBeGreaterThan(1_300_000);
    expect(textOf(noise).length).toBeLessThan(TEMPORAL_TAKES);
  });
});

describe('unpacking', () => {
  const whole = spec(people(30_000));
  const hash = specHash(whole);
  const parts = packSpec(whole).map(({ data }) => data);
  const [first = '', ...rest] = parts;

  it.each([
    ['a part that was cut off', [first.slice(0, first.length / 2 - ((first.length / 2) % 4)), ...rest], 'part 1 of 3'],
    ['a part cut within four characters', [first.slice(0, -1), ...rest], 'part 1 of 3'],
    ['base64 of something else', [Buffer.from('hello').toString('base64'), ...rest], 'part 1 of 3'],
    ['no base64', [`${first.slice(0, 100)}\n${first.slice(101)}`, ...rest], 'part 1 of 3'],
    ['an empty part', [first, '', ...rest.slice(1)], 'part 2 of 3'],
    ['a part that unpacks to more than a part has', [textOf(Buffer.alloc(PART_BYTES + 1)), ...rest], 'part 1 of 3'],
    ['a bomb', [textOf(Buffer.alloc(500_000_000)), ...rest], 'part 1 of 3'],
    ['too many parts', Array.from({ length: MAX_PARTS + 1 }, () => first), `at most ${MAX_PARTS}`],
    ['a part too few', rest, 'not those of its hash'],
    ['the wrong order', parts.toReversed(), 'not those of its hash'],
    ['parts of another spec', packSpec(spec(people(30_001))).map(({ data }) => data), 'not those of its hash'],
  ])('says what is wrong with %s', (_, given, words) => {
    expect(unpackSpec(hash, given)).toEqual({ problem: expect.stringContaining(words) });
  });

  it.each(['', 'null', '[]', '{"name":1,"selections":[]}', '{"name":"a"', '"\u0000"'])(
    'says that %j is no spec',
    (text) => {
      const bytes = Buffer.from(text);

      expect(unpackSpec(hashOf(bytes), [textOf(bytes)])).toEqual({ problem: expect.stringContaining('no spec') });
    },
  );

  it('takes any text without throwing', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.base64String(), fc.constant(first)), { maxLength: 5 }), (given) => {
        expect(unpackSpec(hash, given)).toHaveProperty('problem');
      }),
    );
  });
});
