import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolve } from './resolve.js';

const { signal } = new AbortController();
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-secrets-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('resolve', () => {
  it('takes a variable as it is', async () => {
    expect(await resolve({ env: 'P' }, { P: ' s3cret\n' }, signal)).toBe(' s3cret\n');
  });

  it.each([
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['s3cret\n\n', 's3cret\n'],
    [' s3cret ', ' s3cret '],
    ['pässwörd', 'pässwörd'],
  ])('drops one line end of a file: %j', async (content, secret) => {
    await writeFile(join(dir, 'secret'), content);
    expect(await resolve({ file: join(dir, 'secret') }, {}, signal)).toBe(secret);
  });

  it('names the reference and what to do when there is nothing', async () => {
    await writeFile(join(dir, 'empty'), '\n');
    await writeFile(join(dir, 'large'), 'x'.repeat(70_000));

    for (const [ref, message] of [
      [{ env: 'OLD_PASSWORD' }, 'the environment variable OLD_PASSWORD is not set'],
      [{ file: join(dir, 'absent') }, `the secret file ${join(dir, 'absent')} does not exist`],
      [{ file: dir }, `the secret file ${dir} is a folder`],
      [{ file: join(dir, 'empty') }, `the secret file ${join(dir, 'empty')} is empty`],
      [{ file: join(dir, 'large') }, `the secret file ${join(dir, 'large')} is larger than 64 KiB, which no secret is`],
    ] as const) {
      await expect(resolve(ref, {}, signal)).rejects.toMatchObject({
        code: 'credentials',
        message,
        next: expect.any(String),
      });
    }
  });

  it('has no connections yet', async () => {
    await expect(resolve({ connection: 'acme' }, {}, signal)).rejects.toMatchObject({
      code: 'spec',
      message: expect.stringContaining('no connection store yet'),
    });
  });

  it('stops when it is told to', async () => {
    await expect(resolve({ env: 'P' }, { P: 'x' }, AbortSignal.abort())).rejects.toThrow('abort');
  });
});
