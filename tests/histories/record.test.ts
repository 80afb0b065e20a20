/**
 * What Temporal stores of running migrations, by names: tests/golden/wire.txt. A name that changes here is lost to all that
 * was open before, so it is changed only behind `patched()`, or by adding. With RECORD_HISTORIES the histories are kept.
 */
import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { expect, it } from 'vitest';
import { expectGolden } from '../golden.js';
import type { Recorded } from './record.js';
import { recordHistories } from './record.js';
import { wireNames } from './wire.js';

const FOLDER = fileURLToPath(new URL('0.6/', import.meta.url));

it('the names that Temporal stores stay as they are', async () => {
  const recorded = await recordHistories();
  if (process.env.RECORD_HISTORIES !== undefined) await keep(recorded);
  expect(recorded.map(({ name }) => name)).toContain('continued-2');
  expectGolden('wire.txt', wireNames(recorded));
});

async function keep(recorded: readonly Recorded[]): Promise<void> {
  const { History } = proto.temporal.api.history.v1;
  for (const { name, workflowId, history } of recorded) {
    const plain = History.toObject(History.fromObject(history), { bytes: String, longs: String, enums: String });
    await rm(`${FOLDER}${name}.json`, { force: true });
    const text = JSON.stringify({ id: workflowId, history: plain }, withoutMachine, 1);
    await writeFile(`${FOLDER}${name}.json`, `${text}\n`);
  }
}

/** Who recorded it, and where, is nobody's business. */
function withoutMachine(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return '';
  return key === 'identity' && typeof value === 'string' ? value.replace(/^\d+@.*/, 'somebody') : value;
}
