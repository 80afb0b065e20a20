import { randomUUID } from 'node:crypto';
import { specHash } from '../../schemas/hash.js';
import type { Spec } from '../../schemas/spec.js';
import type { Check, DoctorInput } from '../../words/check.js';
import { makeDoctorId } from '../../workflows/messages.js';
import type { DoctorArgs } from '../arguments.js';
import { checkLines, summaryLine } from '../check-lines.js';
import { clientChecks } from '../checks.js';
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
  let temporal: TemporalAccess;
  try {
    temporal = await connectTemporal(shell, args);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.unreachable) throw error;
    const { message: value, next } = error;
    yield [{ subject: 'temporal', check: 'reachable', ok: false, value, ...(next && { fix: next }) }];
    return;
  }
  try {
    const { checks, worker } = await clientChecks(temporal);
    yield checks;
    if (worker) yield await askWorker(shell, temporal, spec, args.sample);
  } finally {
    await temporal.close();
  }
}

async function askWorker(
  shell: Shell,
  temporal: TemporalAccess,
  spec: Spec | undefined,
  sample: number | undefined,
): Promise<readonly Check[]> {
  const id = makeDoctorId(randomUUID());
  if (!spec) return execute<Check[]>(shell, temporal, 'doctor', id, {} satisfies DoctorInput);
  const { carried, parts } = await sendSpec(temporal, spec, shell.signal);
  const input: DoctorInput = { ...carried, specHash: specHash(spec), ...(sample !== undefined && { sample }) };
  return execute<Check[]>(shell, temporal, 'doctor', id, input, parts);
}
