import { account, positive, selection, unit } from './options.js';
import type { AddVerb } from './verb.js';

/** Changes nothing. */
export function addLookingVerbs(verb: AddVerb): void {
  verb('list [name]', 'list migrations, or the runs of one with what each did', {
    examples: [
      ['all migrations, with what each has moved', 'migrate list'],
      ['the runs of one', 'migrate list acme-mail'],
    ],
  }).option('--schedules', 'list schedules instead');
  verb('status <name>', 'show the state of a migration and what waits for a decision', {
    examples: [
      ['where it stands, and the commands for what waits', 'migrate status acme-mail'],
      ['how many units wait for a person', "migrate status acme-mail -o json | jq '.progress.units.parked'"],
    ],
  });
  verb('watch <name>', 'show progress until it is done', {
    examples: [
      ['a live view; Ctrl-C ends only the looking', 'migrate watch acme-mail'],
      ['one JSON object a line', 'migrate watch acme-mail -o json'],
    ],
  });
  verb('logs <name>', 'print the event log', {
    examples: [
      ['what happened in the last quarter of an hour, and from now on', 'migrate logs acme-mail --since 15m --follow'],
      ['of one unit', 'migrate logs acme-mail --unit 3'],
      ['what people did', `migrate logs acme-mail -o json | jq 'select(.detail.asked)'`],
    ],
  })
    .option('--follow', 'go on as events happen')
    .option('--since <time>', 'from this time, or this long ago (15m)')
    .addOption(unit());
  verb('doctor [spec]', 'check Temporal, the ledger, every account and its room, with the fix for what fails', {
    files: ['reads SPEC, and the CSV files with accounts that it names'],
    examples: [
      ['whether Drover itself can work here', 'migrate doctor'],
      ['and every account of a spec: its login, and the room for what is to be moved', 'migrate doctor spec.yaml'],
      ['of very many accounts, twenty of each selection', 'migrate doctor spec.yaml --sample 20'],
      ['which accounts fail, all by name', `migrate doctor spec.yaml -o json | jq '.[] | select(.ok | not)'`],
    ],
  })
    .addOption(selection())
    .addOption(account())
    .addOption(positive('--sample <n>', 'try only so many accounts of each selection, spread evenly over them'));
}
