import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { digestStream, FileDigest } from './file-digest.js';
import { BLOCK_BYTES, digestFile } from './files.js';
import { createWholeDigest } from './whole-digest.js';

async function* inChunks(content: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

test.each([0, 1, 4096, 300_000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 5])(
  'a stream of %d bytes has the digest of the file that is held',
  async (size) => {
    const bytes = randomBytes(size);
    const held = digestFile({ type: 'file', path: 'x', bytes });
    if (size <= BLOCK_BYTES) expect(held).toBe(createHash('sha256').update(bytes).digest('hex'));
    for (const chunk of [65_536, 100_003]) {
      expect(await digestStream(inChunks(bytes, chunk))).toEqual({ digest: held, bytes: size });
    }
  },
);

test('many streams at once keep their blocks apart', async () => {
  const contents = Array.from({ length: 12 }, (_, n) => randomBytes(2 * BLOCK_BYTES + n));
  const digests = await Promise.all(contents.map((bytes) => digestStream(inChunks(bytes, 65_536))));
  expect(digests.map(({ digest }) => digest)).toEqual(
    contents.map((bytes) => digestFile({ type: 'file', path: 'x', bytes })),
  );
});

test('parts that begin at a block have the blocks of the whole', async () => {
  const bytes = randomBytes(3 * BLOCK_BYTES + 9);
  const blocks: Buffer[] = [];
  for (const part of [bytes.subarray(0, 2 * BLOCK_BYTES), bytes.subarray(2 * BLOCK_BYTES)]) {
    const file = new FileDigest();
    for await (const chunk of inChunks(part, 50_000)) await file.update(chunk);
    blocks.push(...(await file.blocks()));
  }
  const whole = new FileDigest();
  for await (const chunk of inChunks(bytes, 50_000)) await whole.update(chunk);
  expect(blocks).toEqual(await whole.blocks());
});

test('the SHA-256 of a whole file goes on in another process from what was saved', async () => {
  const bytes = randomBytes(300_000);
  const first = await createWholeDigest();
  first.update(bytes.subarray(0, 100_001));
  const saved = first.save();
  first.update(randomBytes(10));
  const next = await createWholeDigest({ state: Buffer.from(saved.state), bytes: saved.bytes });
  expect(next.bytes).toBe(100_001);
  next.update(bytes.subarray(next.bytes));
  expect(next.digest()).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('what is saved of it holds nothing of the content', async () => {
  const word = 'nachtigall-5520 ';
  const bytes = Buffer.from(word.repeat(1_000));
  const whole = await createWholeDigest();
  // Chunks that do not fit its blocks pass through its own memory.
  for await (const chunk of inChunks(bytes, 1_001)) whole.update(chunk);
  const between = whole.save();
  whole.update(Buffer.from('the end'));
  const last = whole.save(true);
  for (const { state } of [between, last]) expect(state.includes('nachti') || state.includes('end')).toBe(false);
  const next = await createWholeDigest(between);
  next.update(Buffer.from('the end'));
  const digest = createHash('sha256').update(bytes).update('the end').digest('hex');
  expect([next.digest(), (await createWholeDigest(last)).digest()]).toEqual([digest, digest]);
});
