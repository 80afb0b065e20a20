import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, expect, it } from 'vitest';
import { loadDataConverter } from './keys.js';

const folder = await mkdtemp(join(tmpdir(), 'drover-keys-'));
afterAll(() => rm(folder, { recursive: true }));

async function codecOf(key?: string) {
  const file = join(folder, `${key}`);
  if (key) await writeFile(file, `${key}:${Buffer.alloc(32, key).toString('base64')}\n`);
  const [codec] = (await loadDataConverter(key && file)).payloadCodecs ?? [];
  return codec as NonNullable<typeof codec>;
}

const plain = [defaultPayloadConverter.toPayload('anna')];

it('reads what is not encrypted without keys', async () => {
  expect(await (await codecOf()).decode(plain)).toEqual(plain);
});

it('says which keys are missing, and where to name them', async () => {
  const sealed = await (await codecOf('k1')).encode(plain);

  const [opened] = await (await codecOf('k1')).decode(sealed);
  expect(defaultPayloadConverter.fromPayload(opened ?? {})).toBe('anna');
  await expect((await codecOf()).decode(sealed)).rejects.toMatchObject({
    exitCode: 64,
    message: 'the workers encrypt what they hand to Temporal, and this command has no keys',
    next: expect.stringContaining('DROVER_ENCRYPTION_KEYS_FILE'),
  });
  await expect((await codecOf('k2')).decode(sealed)).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringContaining('"k1"'),
    next: expect.stringContaining('DROVER_ENCRYPTION_KEYS_FILE'),
  });
});
