/** From a command line to an exit code: the verb's module is loaded and run, and what goes wrong is explained. */
import type { Command } from 'commander';
import { CommanderError } from 'commander';
import type { CommandModule } from './commands.js';
import { commands } from './commands.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { createProgram } from './program.js';
import type { Shell } from './shell.js';

/** Runs one command and returns its exit code. Throws never: what goes wrong is a sentence on stderr. */
export async function main(shell: Shell): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = createProgram(shell, async (verb, args) => {
    // The program's definition is what makes `args` the verb's own.
    const { run } = (await commands[verb]()) as CommandModule<unknown>;
    exitCode = await run(shell, args);
  });
  try {
    await program.parseAsync(lineOf(program, shell.argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    return await explain(shell, error);
  }
}

/** `help schedule pause` is `schedule pause --help`; a word that is no command ends the line, and is refused as anywhere. */
function lineOf(program: Command, argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'help') return argv;
  const words = argv.slice(1);
  let at = program;
  for (const [index, word] of words.entries()) {
    if (at.commands.length === 0) return [...words.slice(0, index), '--help'];
    const found = at.commands.find((command) => command.name() === word);
    if (!found) return words.slice(0, index + 1);
    at = found;
  }
  return [...words, '--help'];
}

/** Says on stderr, redacted, what ended a command; returns its exit code. */
export async function explain(shell: Shell, error: unknown): Promise<number> {
  if (shell.signal.aborted && !(error instanceof CommandError)) return exitCodes.interrupted;
  const { redactText } = await import('../secrets/redact.js');
  const say = (line: string): void => shell.err(redactText(line));
  const { message, next, code } = error as { message?: string; next?: string; code?: unknown };
  const known = error instanceof CommandError || (error instanceof Error && error.name === 'Fault');
  say(`migrate: ${known ? '' : 'unexpected: '}${message ?? String(error)}`);
  if (typeof next === 'string') say(`  ${next}`);
  if (!known && shell.env.DROVER_DEBUG && error instanceof Error) say(error.stack ?? '');
  if (!known && !shell.env.DROVER_DEBUG) say('  DROVER_DEBUG=1 shows where it came from; please report it with that');
  if (error instanceof CommandError) return error.exitCode;
  return known && code === 'spec' ? exitCodes.invalidSpec : exitCodes.failed;
}
