import type { CompletionArgs } from '../arguments.js';
import { completionScript } from '../completion-script.js';
import { exitCodes } from '../exit-codes.js';
import { createProgram } from '../program.js';
import type { Shell } from '../shell.js';

/** Prints completions made from the program itself, so that they cannot be out of date. */
export async function run(shell: Shell, args: CompletionArgs): Promise<number> {
  const program = createProgram(shell, async () => {});
  shell.out(completionScript(program, args.shell).trimEnd());
  return exitCodes.done;
}
