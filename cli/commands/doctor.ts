import { randomUUID } from 'node:crypto';
import type { Spec } from '../../schemas/spec.js';
import type { Check, DoctorInput } from '../../words/check.js';
import { makeDoctorId } from '../../workflows/messages.js';
import type { DoctorArgs } from '../arguments.js';
import { clientChecks } from '../checks.js';
import { execute } from '../execute.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Style } from '../output.js';
import { createStyle, padded, print, printable, widest } from '../output.js';

import { requireSpec } from '../read-spec.js';
import type { Shell } from '../shell.js';
import type { TemporalAccess } from '../temporal.js';
import { connectTemporal } from '../temporal.js';

/** Checks Temporal from here, and all else where the secrets are: on a worker. */
export async function run(shell: Shell, args: DoctorArgs): Promise<number> {
  const spec = args.spec === undefined ? undefined : await requireSpec(shell, args.spec);
  const checks = await check(shell, args, spec === undefined ? {} : { spec: sampleOf(spec) });
  await print(shell, args.output, checks, () => checkLines(checks, createStyle(shell, args.color)));
  const failed = checks.filter((one) => !one.ok);
  if (failed.some((one) => one.subject === 'ledger' || one.check === 'reachable')) return exitCodes.unreachable;
  return failed.length > 0 ? exitCodes.failed : exitCodes.done;
}

/** One account of each selection is tried: the others need not travel. */
function sampleOf(spec: Spec): Spec {
  return {
    ...spec,
    selections: spec.selections.map((selection) =>
      selection.accounts === 'all' ? selection : { ...selection, accounts: selection.accounts.slice(0, 1) },
    ),
  };
}

async function check(shell: Shell, args: DoctorArgs, input: DoctorInput): Promise<Check[]> {
  let temporal: TemporalAccess;
  try {
    temporal = await connectTemporal(shell, args);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.unreachable) throw error;
    return [
      {
        subject: 'temporal',
        check: 'reachable',
        ok: false,
        value: error.message,
        ...(error.next && { fix: error.next }),
      },
    ];
  }
  try {
    const { checks, worker } = await clientChecks(temporal);
    if (!worker) return checks;
    const answers = await execute<Check[]>(shell, temporal, 'doctor', makeDoctorId(randomUUID()), input);
    return [...checks, ...answers];
  } finally {
    await temporal.close();
  }
}

/** A line for each check, and under a failed one what to do. */
export function checkLines(checks: readonly Check[], style: Style): string[] {
  const subjects = widest(checks.map((one) => printable(one.subject)));
  const names = widest(checks.map((one) => one.check));
  const lines: string[] = [];
  for (const { ok, subject, check: name, value, fix } of checks) {
    const mark = ok ? style.green('✓') : style.red('✗');
    lines.push(
      `${mark} ${padded(printable(subject), subjects)}  ${padded(name, names)}  ${printable(value)}`.trimEnd(),
    );
    if (!ok && fix) lines.push(`  ${' '.repeat(subjects)}  ${style.yellow(`→ ${printable(fix)}`)}`);
  }
  const failed = checks.filter((one) => !one.ok).length;
  lines.push('', failed === 0 ? 'all is well' : `${failed} of ${checks.length} checks failed`);
  return lines;
}
