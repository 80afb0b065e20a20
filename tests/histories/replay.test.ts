/** Migrations that run while a new version is installed must go on: recorded histories replay on today's workflows. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { compiledFile } from '../../worker/stack/compiled.js';

const folder = (version: string): string => fileURLToPath(new URL(`${version}/`, import.meta.url));

/** What was wrong with each history, by its file; those that replay are not in it. */
async function faultsOf(version: string): Promise<Map<string, string>> {
  const faults = new Map<string, string>();
  const workflowBundle = { codePath: compiledFile('workflows/bundle.js') };
  for (const name of readdirSync(folder(version)).filter((file) => file.endsWith('.json'))) {
    const { id, history } = JSON.parse(readFileSync(`${folder(version)}/${name}`, 'utf8'));
    const recorded = { workflowId: id as string, history: proto.temporal.api.history.v1.History.fromObject(history) };
    for await (const { error } of Worker.runReplayHistories({ workflowBundle }, [recorded]))
      if (error) faults.set(name, error.message);
  }
  return faults;
}

it('replays every history of this version', async () => {
  expect(readdirSync(folder('0.6')).length).toBeGreaterThanOrEqual(25);
  expect(Object.fromEntries(await faultsOf('0.6'))).toEqual({});
});

it('cannot go on with what versions before the cut have open, which is why worker/cut.ts ends that', async () => {
  const faults = await faultsOf('0.5');
  for (const name of ['plain', 'paused', 'parked', 'scheduled'])
    expect(faults.get(`${name}.json`)).toMatch(/[Nn]ondeterminism/);
});
