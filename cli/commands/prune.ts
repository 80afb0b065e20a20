import { randomUUID } from 'node:crypto';
import { count, plural, size } from '../../words/numbers.js';
import type { PruneInput, PruneResult } from '../../words/upkeep.js';
import { makePruneId } from '../../words/upkeep.js';
import type { PruneArgs } from '../arguments.js';
import { execute } from '../execute.js';
import { exitCodes } from '../exit-codes.js';
import { print, table } from '../output.js';
import type { Shell } from '../shell.js';
import { withTemporal } from '../with-temporal.js';

/** Has a worker remove what is old from the ledger and from its reports. */
export async function run(shell: Shell, args: PruneArgs): Promise<number> {
  const { name, olderThanMs, dryRun = false } = args;
  const input: PruneInput = {
    dryRun,
    ...(name !== undefined && { name }),
    ...(olderThanMs !== undefined && { olderThanMs }),
  };
  return withTemporal(shell, args, async (temporal) => {
    const result = await execute<PruneResult>(shell, temporal, 'prune', makePruneId(randomUUID()), input);
    await print(shell, args.output, result, () => pruneLines(result));
    return exitCodes.done;
  });
}

export function pruneLines({ dryRun, migrations, specs, keepsReports }: PruneResult): string[] {
  const done = dryRun ? 'would be removed' : 'removed';
  const lines =
    migrations.length === 0
      ? [`nothing is old enough to be removed`]
      : table(
          ['migration', 'events', 'outcomes', 'runs', 'gates', 'reports', 'their size'],
          migrations.map((m) => [m.name, m.events, m.outcomes, m.runs, m.gates, m.reports, size(m.bytes)]),
        );
  if (migrations.length > 0) {
    const rows = migrations.reduce((sum, m) => sum + m.events + m.outcomes + m.runs + m.gates, 0);
    lines.push(`${count(rows)} rows ${done}; every item, its proof and the last report of each migration stay`);
  }
  if (specs > 0) lines.push(`${plural(specs, 'spec')} that no run stands by any more ${done}`);
  if (!keepsReports) lines.push('the worker that answered keeps no reports');
  return lines;
}
