/** The example specs of specs/, pointed at servers of the tests and run. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../connectors/contract.js';
import { specHash } from '../../schemas/hash.js';
import { loadSpec } from '../../schemas/load.js';
import type { Spec, SystemConfig } from '../../schemas/spec.js';
import type { RunRequest, RunResult } from '../../words/runs.js';
import { makeMigrationId } from '../../workflows/messages.js';
import type { TestStack } from './stack.js';

/** `specs/<name>.yaml` as it stands, but for the options given here: addresses, paths and secrets, by system. */
export async function example(name: string, options: Readonly<Record<string, JsonObject>>): Promise<Spec> {
  const path = fileURLToPath(new URL(`../../specs/${name}.yaml`, import.meta.url));
  const { spec } = (await loadSpec(path, (each) => readFile(each))) as { spec: Spec };
  const pointed = (systems: Readonly<Record<string, SystemConfig>>): Record<string, SystemConfig> =>
    Object.fromEntries(
      Object.entries(systems).map(([system, config]) => [
        system,
        { ...config, options: { ...config.options, ...options[system] } },
      ]),
    );
  return { ...spec, sources: pointed(spec.sources), targets: pointed(spec.targets) };
}

/** One run of it, to its end. */
export async function runSpec(test: TestStack, spec: Spec): Promise<RunResult> {
  const request: RunRequest = { id: randomUUID(), reason: 'apply', spec, specHash: specHash(spec) };
  const handle = await test.client.workflow.start('migration', {
    workflowId: makeMigrationId(spec.name),
    taskQueue: test.stack.taskQueue,
    args: [{ name: spec.name, queue: [request] }],
  });
  return (await handle.result()) as RunResult;
}
