import { specHash } from '../../schemas/hash.js';
import type { PlanArgs } from '../arguments.js';
import { requireChoice } from '../choice.js';
import { plan } from '../plan.js';
import { requireSpec } from '../read-spec.js';
import type { Shell } from '../shell.js';
import { withTemporal } from '../with-temporal.js';

/** Shows what `apply` would do; with --detailed-exitcode, 2 when there is something. */
export async function run(shell: Shell, args: PlanArgs): Promise<number> {
  const spec = await requireSpec(shell, args.spec);
  const input = { spec, specHash: specHash(spec), dryRun: false, ...requireChoice(spec, args) };
  return withTemporal(shell, args, (temporal) => plan(shell, temporal, input, args));
}
