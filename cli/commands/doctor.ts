import { randomUUID } from 'node:crypto';
import { isPart } from '../../schemas/choice.js';
import { specHash } from '../../schemas/hash.js';
import type { Spec } from '../../schemas/spec.js';
import type { Check, DoctorInput } from '../../words/check.js';
import { makeDoctorId } from '../../workflows/messages.js';
import type { DoctorArgs } from '../arguments.js';
import { checkLines, summaryLine } from '../check-lines.js';
import { clientChecks } from '../checks.js';
import { choiceOf, requireChoice } from '../choice.js';
import { execute } from '../execute.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { createStyle, print } from '../output.js';
import { requireSpec } from '../read-spec.js';
import { sendSpec } from '../send-spec.js';
import type { Shell } from '../shell.js';
import type { TemporalAccess } from '../temporal.js';
import { connectTemporal } from '../temporal.js';

/** Checks Temporal from here, and all else where the secrets are: on a worker. What is known is said at once. */
export async function run(shell: Shell, args: DoctorArgs): Promise<number> {
  if (args.spec === undefined && isPart(choiceOf(args)))
    throw new CommandError(exitCodes.usage, '--selection and --account choose from a spec; name it');
  const spec = args.spec === undefined ? undefined : await requireSpec(shell, args.spec);
  const style = createStyle(shell, args.color);
  const columns = shell.isTty ? shell.columns : Number.POSITIVE_INFINITY;
  const checks: Check[] = [];
  for await (const some of checksOf(shell, args, spec)) {
    checks.push(...some);
    if (args.output === 'text') for (const line of checkLines(some, style, columns)) shell.out(line);
  }
  await print(shell, args.output, checks, () => ['', summaryLine(checks)]);
  const failed = checks.filter((one) => !one.ok);
  if (failed.some((one) => one.subject === 'ledger' || one.check === 'reachable')) return exitCodes.unreachable;
  return failed.length > 0 ? exitCodes.failed : exitCodes.done;
}

async function* checksOf(shell: Shell, args: DoctorArgs, spec: Spec | undefined): AsyncGenerator<readonly Check[]> {
  const asked = {
    ...(args.sample !== undefined && { sample: args.sample }),
    ...(spec && requireChoice(spec, args)),
  };
  let temporal: TemporalAccess;
  try {
    temporal = await connectTemporal(shell, args);
  } catch (error) {
    yield [unreachable(error, 'temporal')];
    return;
  }
  try {
    const { checks, worker } = await clientChecks(temporal);
    yield checks;
    if (!worker) return;
    try {
      yield await askWorker(shell, temporal, spec, asked);
    } catch (error) {
      yield [unreachable(error, 'worker')];
    }
  } finally {
    await temporal.close();
  }
}

/** That somebody does not answer is what doctor is asked for; anything else ends it. */
function unreachable(error: unknown, subject: 'temporal' | 'worker'): Check {
  if (!(error instanceof CommandError) || error.exitCode !== exitCodes.unreachable) throw error;
  const { message: value, next: fix } = error;
  return { subject, check: 'reachable', ok: false, value, ...(fix && { fix }) };
}

async function askWorker(
  shell: Shell,
  temporal: TemporalAccess,
  spec: Spec | undefined,
  asked: Pick<DoctorInput, 'sample' | 'selections' | 'accounts'>,
): Promise<readonly Check[]> {
  const id = makeDoctorId(randomUUID());
  if (!spec) return execute<Check[]>(shell, temporal, 'doctor', id, {} satisfies DoctorInput);
  const { carried, parts } = await sendSpec(temporal, spec, shell.signal);
  const input: DoctorInput = { ...carried, specHash: specHash(spec), ...asked };
  return execute<Check[]>(shell, temporal, 'doctor', id, input, parts);
}
