/** Loading a spec with the connectors of this build. */
import { connectors } from '../connectors/registry.js';
import type { Manifests } from './assemble.js';
import { assembleSchema } from './assemble.js';
import type { Schema } from './core.js';
import type { Loaded, Read } from './validate.js';
import { validateSpec } from './validate.js';

/** The manifests of all connectors, by name. */
export const manifests: Manifests = Object.fromEntries(
  Object.entries(connectors).map(([name, { manifest }]) => [name, manifest]),
);

/** Those that are offered to people. */
export const offered: Manifests = Object.fromEntries(
  Object.entries(manifests).filter(([, { isForTests }]) => !isForTests),
);

/**
 * Reads and checks a spec. The result has accounts from CSV files inlined and each system split into type,
 * limits and options; or it is every problem there is, in reading order, at file, line and column.
 */
export function loadSpec(file: string, read: Read): Promise<Loaded> {
  return validateSpec(file, read, manifests);
}

/** The draft-07 JSON Schema of a spec with all connectors' options; for editors, docs and checks. */
export function specSchema(): Schema {
  return assembleSchema(offered);
}
