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
  const files = readdirSync(folder(version)).filter((name) => name.endsWith('.json'));
  const histories = files.map((name) => {
    const { history } = JSON.parse(readFileSync(`${folder(version)}/${name}`, 'utf8'));
    // The file's name as the id: of one workflow there are several.
    return { workflowId: name, history: proto.temporal.api.history.v1.History.fromObject(history) };
  });
  const faults = new Map<string, string>();
  const workflowBundle = { codePath: compiledFile('workflows/bundle.js') };
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories))
    if (error) faults.set(workflowId, error.message);
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
