/** The command line. Its verbs are in verbs/, by group; what a verb does is in commands/<verb>.ts, loaded when it runs. */
import { Command, Option } from 'commander';
import { OUTPUT_FORMATS } from './output.js';
import type { Shell } from './shell.js';
import { addLookingVerbs } from './verbs/look.js';
import { addOperatingVerbs } from './verbs/operate.js';
import { addRunningVerbs } from './verbs/run.js';
import { addSteeringVerbs } from './verbs/steer.js';
import type { Dispatch } from './verbs/verb.js';
import { verbsOf } from './verbs/verb.js';
import { addWritingVerbs } from './verbs/write.js';
import { packageVersion } from './version.js';

/** The program; commander's own texts go to `shell`, and its exits are thrown as `CommanderError`. */
export function createProgram(shell: Pick<Shell, 'out' | 'err' | 'columns'>, dispatch: Dispatch): Command {
  const program = new Command('migrate');
  program
    .description(
      'Moves mail, calendars, contacts and files from the systems a company leaves to the systems it goes to, or keeps both in step, with proof for every item.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpCommand(
      new Command('help').argument('[verb...]').helpGroup('Operate:').description('print help for a verb'),
    )
    .addHelpText('after', TYPICAL_ORDER)
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => shell.out(text.replace(/\n$/, '')),
      writeErr: (text) => shell.err(text.replace(/\n$/, '')),
      getOutHelpWidth: () => shell.columns,
      getErrHelpWidth: () => shell.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) =>
        write(`${text.replace(/^error: /, 'migrate: ').trimEnd()}\n  \`migrate --help\` shows what there is\n`),
    })
    .optionsGroup('Options:')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(OUTPUT_FORMATS).default('text'))
    .option('--no-color', 'print without colours (so does NO_COLOR)')
    .option(
      '--address <host:port>',
      "Temporal's address (else TEMPORAL_ADDRESS, its config file, or the stack of `migrate dev` in this folder)",
    )
    .option('--namespace <name>', "Temporal's namespace (else TEMPORAL_NAMESPACE)")
    .option('--profile <name>', "profile of Temporal's config file (else TEMPORAL_PROFILE)");
  const verb = verbsOf(program, dispatch);
  program.commandsGroup('Write a spec (offline):');
  addWritingVerbs(verb);
  program.commandsGroup('Run it:');
  addRunningVerbs(verb);
  program.commandsGroup('Look:');
  addLookingVerbs(verb);
  program.commandsGroup('Steer:');
  addSteeringVerbs(program, verb, dispatch);
  program.commandsGroup('Operate:');
  addOperatingVerbs(verb);
  return program;
}

const TYPICAL_ORDER = `
Typical order:
  migrate init spec.yaml             a first spec to fill in, then \`validate\` it
  migrate dev                        Drover here, in a terminal of its own
  migrate doctor spec.yaml           whether all can be reached, with the fix
  migrate plan spec.yaml             what would be done
  migrate apply spec.yaml --watch    do it; \`migrate report NAME\` has the proof

\`migrate help VERB\` shows a verb with its options, files and examples.`;
