import type { Command } from 'commander';
import { account, positive, reset, selection, timeout, unit } from './options.js';
import type { AddVerb, Dispatch } from './verb.js';
import { describe, verbsOf } from './verb.js';

/** What is said to a migration that runs. */
export function addSteeringVerbs(program: Command, verb: AddVerb, dispatch: Dispatch): void {
  verb('pause <name>', 'pause within seconds', {
    examples: [['the line is needed for something else', 'migrate pause acme-mail']],
  });
  verb('resume <name>', 'go on after a pause', { examples: [['go on', 'migrate resume acme-mail']] });
  verb('cancel <name>', 'stop for good; what has moved stays', {
    examples: [['stop; `migrate apply` goes on from there', 'migrate cancel acme-mail']],
  }).addOption(timeout());
  verb('retry <name>', 'try again what failed', {
    examples: [
      ['all that failed or waits', 'migrate retry acme-mail'],
      ['of one person', 'migrate retry acme-mail --account anna@old.example'],
      ['one unit', 'migrate retry acme-mail --unit 3'],
    ],
  })
    .addOption(unit())
    .addOption(selection())
    .addOption(account());
  verb('approve <name>', 'show what waits for approval, ask, and let that go on', {
    files: ['writes FILE, with --list: CSV, one line for each item'],
    examples: [
      ['look, and be asked; nothing but what is shown is approved', 'migrate approve acme-mail'],
      ['all of it in a file; nothing is approved', 'migrate approve acme-mail --list covered.csv'],
      ['one unit, without a question', 'migrate approve acme-mail --unit 3 --yes'],
      ['one person', 'migrate approve acme-mail --account anna@old.example'],
    ],
  })
    .addOption(unit())
    .addOption(selection())
    .addOption(account())
    .option('--yes', 'do not ask')
    .option('--list <file>', 'write all that an approval would cover to this file, and approve nothing');
  verb('credentials <name>', 'say that secrets were renewed, so that parked units try again', {
    examples: [['after the new secret stands where the spec names it', 'migrate credentials acme-mail']],
  }).addOption(unit());
  verb('retune <name>', 'change limits while it runs', {
    examples: [
      [
        'a server is slow: fewer connections, fewer items',
        'migrate retune acme-mail --connections 4 --items-per-second 50',
      ],
      ['more accounts at a time', 'migrate retune acme-mail --lanes 16'],
      ['what the spec says again: in all, or in some', 'migrate retune acme-mail --reset lanes,items-per-second'],
    ],
  })
    .addOption(reset())
    .addOption(positive('--connections <n>', 'open connections to each system'))
    .addOption(positive('--connections-per-account <n>', 'open connections for one account'))
    .addOption(positive('--items-per-second <n>', 'items a second'))
    .addOption(positive('--bytes-per-second <n>', 'bytes a second'))
    .addOption(positive('--lanes <n>', 'units at a time'));
  addSchedule(program, dispatch);
}

function addSchedule(program: Command, dispatch: Dispatch): void {
  const schedule = describe(program.command('schedule'), 'list and steer schedules', {
    examples: [
      ['when each starts next', 'migrate schedule list'],
      ['start a run now', 'migrate schedule trigger acme-mail nightly'],
    ],
  }).description('List and steer the schedules that specs made.');
  const action = verbsOf(schedule, dispatch, 'schedule');
  action('list [name]', 'list schedules, of one migration or all', {
    examples: [['those of one migration', 'migrate schedule list acme-mail']],
  });
  action('trigger <name> <schedule>', 'start a run now', {
    examples: [['now', 'migrate schedule trigger acme-mail nightly']],
  });
  action('pause <name> <schedule>', 'start no more runs', {
    examples: [['until resumed', 'migrate schedule pause acme-mail nightly --note "until the audit is over"']],
  }).option('--note <text>', 'why');
  action('resume <name> <schedule>', 'start runs again', {
    examples: [['from its next time on', 'migrate schedule resume acme-mail nightly']],
  }).option('--note <text>', 'why');
  action('backfill <name> <schedule>', 'make up for starts in a span of time', {
    examples: [
      [
        'two nights that were missed',
        'migrate schedule backfill acme-mail nightly --start 2026-03-01T00:00:00Z --end 2026-03-03T00:00:00Z',
      ],
    ],
  })
    .requiredOption('--start <time>', 'from (ISO 8601)')
    .requiredOption('--end <time>', 'to (ISO 8601)');
  action('remove <name> <schedule>', 'remove a schedule', {
    examples: [['until the next `migrate apply` of a spec that has it', 'migrate schedule remove acme-mail nightly']],
  });
}
