/** Plans and dry runs: made by a worker, where the secrets are, and shown here. */
import { randomUUID } from 'node:crypto';
import type { Spec } from '../schemas/spec.js';
import type { PlanInput, PlanResult } from '../words/plan.js';
import { makePlanId } from '../workflows/messages.js';
import { execute } from './execute.js';
import { exitCodes } from './exit-codes.js';
import type { OutputFormat } from './output.js';
import { createStyle, print, wrapped } from './output.js';
import { saveDeletions } from './plan-deletions.js';
import { planLines } from './plan-lines.js';
import { forecastWords, hasChanges, problemLines } from './plan-sum.js';
import { sendSpec } from './send-spec.js';
import type { Shell } from './shell.js';
import type { TemporalAccess } from './temporal.js';

/** Has a plan made and prints it. Problems are listed and make the exit code 1. */
export async function plan(
  shell: Shell,
  temporal: TemporalAccess,
  { spec, ...asked }: PlanInput & { readonly spec: Spec },
  args: {
    readonly output: OutputFormat;
    readonly color: boolean;
    readonly details?: boolean;
    readonly detailedExitcode?: boolean;
    readonly deletions?: string;
  },
): Promise<number> {
  const { carried, parts } = await sendSpec(temporal, spec, shell.signal);
  const input: PlanInput = { ...asked, ...carried, ...(args.deletions !== undefined && { deletions: true }) };
  const { deletions, ...made } = await execute<PlanResult>(
    shell,
    temporal,
    'plan',
    makePlanId(spec.name, randomUUID()),
    input,
    parts,
  );
  const { columns } = shell;
  const style = createStyle(shell, args.color);
  const details = args.details === true;
  await print(shell, args.output, made, () => planLines(made, { columns, style, details }));
  for (const line of problemLines(made.problems, columns)) shell.err(line);
  if (args.output === 'text' && made.forecast)
    for (const line of wrapped(`forecast: ${forecastWords(made.forecast)}`, columns, '  ')) shell.out(line);
  if (args.deletions !== undefined) await saveDeletions(shell, spec, args.deletions, deletions);
  if (made.problems.length > 0) return exitCodes.failed;
  return args.detailedExitcode && hasChanges(made.totals) ? exitCodes.changes : exitCodes.done;
}
