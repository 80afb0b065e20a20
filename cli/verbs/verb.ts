/** How a verb is added to the command line: its arguments, what its help shows, and who is called when it is typed. */
import type { Command } from 'commander';
import type { Verb } from '../arguments.js';

/** Called with the verb and its arguments, once the command line has been understood. */
export type Dispatch = (verb: Verb, args: Record<string, unknown>) => Promise<void>;

/** What stands below the options. */
export interface VerbHelp {
  /** Files that are read or written, a line each; where there are none, nobody asks. */
  readonly files?: readonly string[];
  /** What somebody wants, and what to type for it. */
  readonly examples: readonly (readonly [want: string, line: string])[];
}

export type AddVerb = (usage: string, summary: string, help: VerbHelp) => Command;

/** Adds verbs to `parent`. An `action` of a verb has its own name among the arguments. */
export function verbsOf(parent: Command, dispatch: Dispatch, verb?: Verb): AddVerb {
  return (usage, summary, help) => {
    const command = describe(parent.command(usage), summary, help);
    const name = command.name();
    return verb ? connect(command, verb, dispatch, { action: name }) : connect(command, name as Verb, dispatch);
  };
}

/** Summary, description and the sections below the options. */
export function describe(command: Command, summary: string, { files, examples }: VerbHelp): Command {
  const shown = [
    ...(files ? ['', 'Files:', ...files.map((line) => `  ${line}`)] : []),
    ...['', 'Examples:'],
    ...examples.flatMap(([want, line]) => [`  # ${want}`, `  $ ${line}`]),
  ];
  return command
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .addHelpText('after', shown.join('\n'));
}

function connect(command: Command, verb: Verb, dispatch: Dispatch, more: Record<string, unknown> = {}): Command {
  return command.allowExcessArguments(false).action(async () => {
    const positional = command.registeredArguments.map((argument, index) => [
      argument.name(),
      command.processedArgs[index],
    ]);
    const given = [...Object.entries(command.optsWithGlobals()), ...positional].filter(
      ([, value]) => value !== undefined,
    );
    await dispatch(verb, { ...Object.fromEntries(given), ...more });
  });
}
