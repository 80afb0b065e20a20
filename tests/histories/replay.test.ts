/** Migrations that run while a new version is installed must go on: recorded histories replay on today's workflows. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { compiledFile } from '../../worker/stack/compiled.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

if (process.env.RECORD_HISTORIES !== undefined) {
  it('records', async () => {
    const { startTestStack } = await import('../e2e/stack.js');
    const { recordHistories } = await import('./record.js');
    const test = await startTestStack();
    try {
      await recordHistories(test, folder);
    } finally {
      await test.stop();
    }
  });
}

it('replays every recorded history', async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  expect(files.length).toBeGreaterThanOrEqual(7);
  const histories = files.map((name) => {
    const { id, history } = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
    return { workflowId: id as string, history: proto.temporal.api.history.v1.History.fromObject(history) };
  });

  const failures: string[] = [];
  const results = Worker.runReplayHistories({ workflowBundle: { codePath: compiledFile('workflows/bundle.js') } }, histories);
  for await (const { workflowId, error } of results) if (error) failures.push(`${workflowId}: ${error.message}`);

  expect(failures).toEqual([]);
});
