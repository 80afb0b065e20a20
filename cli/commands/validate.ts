import { formatDiagnostic } from '../../schemas/diagnostic.js';
import type { ValidateArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import { print } from '../output.js';
import { countProblems, loadFrom } from '../read-spec.js';
import type { Shell } from '../shell.js';

/**
 * Offline: every problem, or every warning, at file:line:column on stdout, the count on stderr; exit code 65 when there
 * is a problem, with --strict also when there is a warning.
 */
export async function run(shell: Shell, args: ValidateArgs): Promise<number> {
  const loaded = await loadFrom(shell, args.spec);
  const { problems, warnings } = 'problems' in loaded ? { ...loaded, warnings: [] } : { ...loaded, problems: [] };
  await print(shell, args.output, { valid: problems.length === 0, problems, warnings }, () =>
    [...problems, ...warnings].map(formatDiagnostic),
  );
  if (problems.length > 0) {
    shell.err(countProblems(problems.length, args.spec));
    return exitCodes.invalidSpec;
  }
  const warned = warnings.filter(({ severity }) => severity === 'warning').length;
  if (warned > 0) shell.err(countProblems(warned, args.spec, 'warning'));
  if (warned > 0 && args.strict) return exitCodes.invalidSpec;
  if (args.output === 'text') shell.err(`${args.spec === '-' ? 'the spec' : args.spec} is valid`);
  return exitCodes.done;
}
