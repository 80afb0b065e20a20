import { isPart } from '../../schemas/choice.js';
import { specHash } from '../../schemas/hash.js';
import type { ApplyArgs } from '../arguments.js';
import { choiceOf, choiceWords, requireChoice } from '../choice.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { follow } from '../follow.js';
import { hasWorker, noWorker } from '../migration.js';
import { print } from '../output.js';
import { plan } from '../plan.js';
import { requireSpec } from '../read-spec.js';
import type { ScheduleChange } from '../schedules.js';
import { syncSchedules } from '../schedules.js';
import type { Shell } from '../shell.js';
import type { Submission } from '../submit.js';
import { submitSpec } from '../submit.js';
import type { TemporalAccess } from '../temporal.js';
import { withTemporal } from '../with-temporal.js';

/** Submits a spec and its schedules; with --wait or --watch, stays until the migration ends. */
export async function run(shell: Shell, args: ApplyArgs): Promise<number> {
  if (args.dryRun && (args.wait || args.watch || args.replace || args.prune)) {
    throw new CommandError(
      exitCodes.usage,
      '--dry-run changes nothing, so nothing can be waited for, replaced or pruned',
    );
  }
  if (args.prune && isPart(choiceOf(args))) {
    throw new CommandError(
      exitCodes.usage,
      '--prune removes schedules, which --selection and --account do not speak of',
      'apply the whole spec with --prune',
    );
  }
  const spec = await requireSpec(shell, args.spec);
  const choice = requireChoice(spec, args);
  const hash = specHash(spec);
  return withTemporal(shell, args, async (temporal) => {
    if (args.dryRun) return plan(shell, temporal, { spec, specHash: hash, dryRun: true, ...choice }, args);
    const migration = await submitSpec(temporal, spec, hash, { replace: args.replace ?? false, choice }, shell.signal);
    const part = choiceWords(choice);
    const schedules = part === undefined ? await syncSchedules(temporal, spec, hash, args.prune ?? false) : [];
    const say = args.wait || args.watch ? shell.err : shell.out;
    const told = { migration: spec.name, submitted: migration, spec: hash, ...choice, schedules };
    const lines = [
      `${spec.name}: ${SUBMITTED[migration]}`,
      ...(part === undefined ? [] : [`only ${part}: the rest of the spec, and its schedules, stay as they are`]),
      ...schedules.map(({ schedule, change }) => `schedule ${schedule}: ${SCHEDULED[change]}`),
    ];
    if (args.wait || args.watch) {
      for (const line of lines) say(line);
      sayWhere(shell, temporal, spec.name);
      return follow(shell, temporal, spec.name, {
        watch: args.watch ?? false,
        output: args.output,
        color: args.color,
        ...(args.timeoutMs !== undefined && { timeoutMs: args.timeoutMs }),
      });
    }
    await print(shell, args.output, told, () => lines);
    if (!(await hasWorker(temporal))) shell.err(noWorker(temporal));
    shell.err(`follow it with \`migrate watch ${spec.name}\`; \`migrate status ${spec.name}\` shows where it stands`);
    sayWhere(shell, temporal, spec.name);
    return exitCodes.done;
  });
}

const SUBMITTED: Readonly<Record<Submission, string>> = {
  started: 'started',
  attached: 'already running with this very request: attached',
  queued: 'a run of this migration is under way: this one follows it',
  replacing: 'taking over from the running spec at the next safe point',
};

const SCHEDULED: Readonly<Record<ScheduleChange, string>> = {
  created: 'created',
  configured: 'configured',
  unchanged: 'unchanged',
  removed: 'removed',
  'left over': 'no longer in the spec, still runs (remove it with --prune)',
};

function sayWhere(shell: Shell, temporal: TemporalAccess, name: string): void {
  if (temporal.uiAddress === undefined) return;
  const base = temporal.uiAddress.startsWith('http') ? temporal.uiAddress : `http://${temporal.uiAddress}`;
  shell.err(`Web UI: ${base}/namespaces/${temporal.namespace}/workflows/${encodeURIComponent(`migrate/${name}`)}`);
}
