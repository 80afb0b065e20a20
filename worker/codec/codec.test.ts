import type { Payload } from '@temporalio/common';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCodec } from './codec.js';
import type { Key } from './keys.js';

const key = (id: string, fill: number): Key => ({ id, secret: Buffer.alloc(32, fill) });
const payload = (text: string): Payload => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(text),
});
const plain = ({ metadata, data }: Payload) => [
  Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
  Buffer.from(data ?? []).toString('hex'),
];

it('gives back any payload', async () => {
  const codec = createCodec([key('k', 7)]);
  const bytes = fc.uint8Array({ maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string({ maxLength: 20 }), bytes), bytes, async (metadata, data) => {
      const sealed = await codec.encode([{ metadata, data }]);
      expect((await codec.decode(sealed)).map(plain)).toEqual([plain({ metadata, data })]);
    }),
  );
});

it('never encrypts twice alike, and lets nothing of the text through', async () => {
  const codec = createCodec([key('k', 7)]);

  const [a, b] = await codec.encode([payload('a subject'), payload('a subject')]);

  expect(a?.data).not.toEqual(b?.data);
  expect(Buffer.from(a?.data ?? []).includes('subject')).toBe(false);
});

it('encrypts with the first key and opens with any', async () => {
  const old = createCodec([key('old', 1)]);
  const rotated = createCodec([key('new', 2), key('old', 1)]);

  const before = await old.encode([payload('x')]);
  const after = await rotated.encode([payload('x')]);

  expect((await rotated.decode([...before, ...after])).map(plain)).toEqual([plain(payload('x')), plain(payload('x'))]);
  await expect(old.decode(after)).rejects.toThrow('encrypted with key "new", which the keys file does not hold');
});

it('tells another key of the same name, and an altered payload', async () => {
  const sealed = await createCodec([key('k', 1)]).encode([payload('x')]);
  const altered = sealed.map(
    ({ metadata, data }): Payload => ({ metadata: metadata ?? {}, data: Buffer.from(data ?? []).fill(0, 13, 14) }),
  );

  await expect(createCodec([key('k', 2)]).decode(sealed)).rejects.toThrow('does not open with key "k"');
  await expect(createCodec([key('k', 1)]).decode(altered)).rejects.toThrow('does not open with key "k"');
});

it('passes through what is not encrypted', async () => {
  expect(await createCodec([key('k', 1)]).decode([payload('from before')])).toEqual([payload('from before')]);
});
