/** The example specs of specs/, pointed at servers of the tests and run. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../connectors/contract.js';
import { loadSpec } from '../../schemas/load.js';
import type { Spec, SystemConfig } from '../../schemas/spec.js';
import type { RunResult } from '../../words/runs.js';
import { applySpec } from './apply-spec.js';
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
  return (await applySpec(test.client, test.stack.taskQueue, spec)).result();
}
