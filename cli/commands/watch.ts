import type { WatchArgs } from '../arguments.js';
import { follow } from '../follow.js';
import { requireMigration } from '../migration.js';
import type { Shell } from '../shell.js';
import { withTemporal } from '../with-temporal.js';

/** Shows progress until the migration ends; of one that has ended, how. Ctrl-C leaves it running. */
export async function run(shell: Shell, args: WatchArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    await requireMigration(temporal, args.name);
    return follow(shell, temporal, args.name, { watch: true, output: args.output, color: args.color });
  });
}
