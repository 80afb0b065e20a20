/** The command line: every verb with its arguments. What a verb does is in commands/<verb>.ts, loaded when it runs. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { KINDS } from '../connectors/contract.js';
import { parseDuration } from '../schemas/duration.js';
import type { Verb } from './arguments.js';
import { OUTPUT_FORMATS } from './output.js';
import type { Shell } from './shell.js';
import { packageVersion } from './version.js';

/** Called with the verb and its arguments, once the command line has been understood. */
export type Dispatch = (verb: Verb, args: Record<string, unknown>) => Promise<void>;

/** The program; commander's own texts go to `shell`, and its exits are thrown as `CommanderError`. */
export function createProgram(shell: Pick<Shell, 'out' | 'err' | 'columns'>, dispatch: Dispatch): Command {
  const program = new Command('migrate');
  program
    .description(
      'Moves mail, calendars and contacts from the systems a company leaves to the systems it goes to, or keeps both in step, with proof for every item.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpCommand(
      new Command('help').argument('[command]').helpGroup('Operate:').description('print help for a command'),
    )
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
  const verb = (usage: string, summary: string): Command => addVerb(program, usage, summary, dispatch);

  program.commandsGroup('Write a spec (offline):');
  verb('init [file]', 'write a first spec to fill in')
    .addOption(new Option('--from <connector>', 'where from').default('imap'))
    .addOption(new Option('--to <connector>', 'where to (default: the same)'))
    .addOption(new Option('--kind <kind>', 'what to move (default: the first that both have)').choices(KINDS))
    .addOption(new Option('--name <name>', 'name of the migration').default('my-migration'));
  verb('validate <spec>', 'report every problem of a spec ("-" reads stdin)').option(
    '--strict',
    'let warnings fail too',
  );
  verb('connectors [connector]', 'list the systems, or the options of one');
  verb('schema', "print the spec's JSON Schema");

  program.commandsGroup('Run it:');
  verb('plan <spec>', 'show what apply would do').option(
    '--detailed-exitcode',
    'exit with 2 when there is something to do',
  );
  verb('apply <spec>', 'start or change a migration; the same spec again does nothing')
    .option('--dry-run', 'read all that would move, and write nothing')
    .option('--watch', 'show progress until it is done')
    .option('--wait', 'return when it is done')
    .addOption(timeout())
    .option('--replace', 'take over from a running migration with another spec, at a safe point')
    .option('--prune', 'remove schedules that the spec no longer has');
  verb('verify <name>', 'prove again that every item arrived unchanged')
    .option('--wait', 'return when it is done')
    .addOption(timeout());
  verb('report <name>', 'write the report: HTML, CSV and JSON')
    .option('--out <folder>', 'where to')
    .addOption(positive('--run <n>', 'of this run instead of the last'));

  program.commandsGroup('Look:');
  verb('list [name]', 'list migrations, or the runs of one with what each did').option(
    '--schedules',
    'list schedules instead',
  );
  verb('status <name>', 'show the state of a migration and what waits for a decision');
  verb('watch <name>', 'show progress until it is done');
  verb('logs <name>', 'print the event log')
    .option('--follow', 'go on as events happen')
    .option('--since <time>', 'from this time, or this long ago (15m)')
    .addOption(unit());
  verb(
    'doctor [spec]',
    'check Temporal, the ledger, every account and its room, with the fix for what fails',
  ).addOption(positive('--sample <n>', 'try only so many accounts of each selection, spread evenly over them'));

  program.commandsGroup('Steer:');
  verb('pause <name>', 'pause within seconds');
  verb('resume <name>', 'go on after a pause');
  verb('cancel <name>', 'stop for good; what has moved stays').addOption(timeout());
  verb('retry <name>', 'try again what failed').addOption(unit());
  verb('approve <name>', 'let a unit go on that waits for approval').addOption(unit());
  verb('credentials <name>', 'say that secrets were renewed, so that parked units try again').addOption(unit());
  verb('retune <name>', 'change limits while it runs')
    .addOption(positive('--connections <n>', 'open connections to each system'))
    .addOption(positive('--connections-per-account <n>', 'open connections for one account'))
    .addOption(positive('--items-per-second <n>', 'items a second'))
    .addOption(positive('--bytes-per-second <n>', 'bytes a second'))
    .addOption(positive('--lanes <n>', 'units at a time'));
  addSchedule(program, dispatch);

  program.commandsGroup('Operate:');
  verb('dev', 'run Temporal, the ledger and a worker here, with nothing installed').addOption(
    new Option('--dir <folder>', 'where all state is kept').default('.drover'),
  );
  verb('worker', 'run a worker');
  verb('prune [name]', 'remove what runs left and what is old: events, outcomes, runs, reports')
    .addOption(olderThan())
    .option('--dry-run', 'only say how much that is');
  verb('forget <name>', 'remove all that is known of a migration, or of one person in it')
    .option('--account <account>', 'only of this account, by its name on either side')
    .option('--dry-run', 'only say what that is')
    .option('--yes', 'do not ask');
  verb('codec-server', "decrypt payloads for Temporal's Web UI").addOption(positive('--port <n>', 'TCP port'));
  program.addCommand(
    new Command('completion').summary('print completions for a shell').description('Print completions for a shell.'),
  );
  const completion = program.commands.find((command) => command.name() === 'completion') as Command;
  completion.copyInheritedSettings(program).addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']));
  connect(completion, 'completion', dispatch);
  return program;
}

function addVerb(parent: Command, usage: string, summary: string, dispatch: Dispatch): Command {
  const command = parent.command(usage);
  command.summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
  return connect(command, command.name() as Verb, dispatch);
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

function addSchedule(program: Command, dispatch: Dispatch): void {
  const schedule = program
    .command('schedule')
    .summary('list and steer schedules')
    .description('List and steer the schedules that specs made.');
  const action = (usage: string, summary: string): Command => {
    const command = schedule.command(usage);
    command.summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
    return connect(command, 'schedule', dispatch, { action: command.name() });
  };
  action('list [name]', 'list schedules, of one migration or all');
  action('trigger <name> <schedule>', 'start a run now');
  action('pause <name> <schedule>', 'start no more runs').option('--note <text>', 'why');
  action('resume <name> <schedule>', 'start runs again').option('--note <text>', 'why');
  action('backfill <name> <schedule>', 'make up for starts in a span of time')
    .requiredOption('--start <time>', 'from (ISO 8601)')
    .requiredOption('--end <time>', 'to (ISO 8601)');
  action('remove <name> <schedule>', 'remove a schedule');
}

/** `--timeout` arrives as `timeoutMs`. */
function timeout(): Option {
  const option = new Option('--timeout <duration>', 'stop waiting after this time (30s, 2h), with exit code 75');
  option.attributeName = () => 'timeoutMs';
  return option.argParser((text) => {
    const ms = parseDuration(text);
    if (ms === undefined) throw new InvalidArgumentError('Use a duration such as 30s, 15m or 2h.');
    return ms;
  });
}

/** `--older-than` arrives as `olderThanMs`. */
function olderThan(): Option {
  const option = new Option(
    '--older-than <duration>',
    "as old as this (90d, 12w), instead of what the worker's settings say",
  );
  option.attributeName = () => 'olderThanMs';
  return option.argParser((text) => {
    const ms = parseDuration(text);
    if (ms === undefined) throw new InvalidArgumentError('Use a duration such as 90d, 12w or 36h.');
    return ms;
  });
}

function unit(): Option {
  return positive('--unit <n>', 'only this unit, by the number that status shows');
}

function positive(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError('Use a whole number from 1.');
    }
    return value;
  });
}
