import { account, positive, selection, timeout } from './options.js';
import type { AddVerb } from './verb.js';

const SPEC = 'reads SPEC ("-" is stdin), and the CSV files with accounts that it names';

/** From a look at what would be done to the proof that it was. */
export function addRunningVerbs(verb: AddVerb): void {
  verb('plan <spec>', 'show what apply would do', {
    files: [SPEC, 'writes FILE, with --deletions: CSV, one line for each copy'],
    examples: [
      ['what would be created, updated and removed; nothing is written', 'migrate plan spec.yaml'],
      ['of one person', 'migrate plan spec.yaml --account anna@old.example'],
      ['account by account, with each folder', 'migrate plan spec.yaml --details'],
      ['with `deletions: mirror`: each copy that would be deleted', 'migrate plan spec.yaml --deletions deletions.csv'],
      ['in a script: exit code 2 when there is something to do', 'migrate plan spec.yaml --detailed-exitcode'],
    ],
  })
    .addOption(selection())
    .addOption(account())
    .option('--details', 'show each account with its folders, instead of folders over all accounts')
    .option('--detailed-exitcode', 'exit with 2 when there is something to do')
    .option('--deletions <file>', 'write all that would be deleted to this file, as CSV');
  verb('apply <spec>', 'start or change a migration; the same spec again does nothing', {
    files: [SPEC],
    examples: [
      ['move, and look on; Ctrl-C ends only the looking', 'migrate apply spec.yaml --watch'],
      ['in a script: exit code 0 when everything is proven', 'migrate apply spec.yaml --wait --timeout 8h'],
      ['read everything, write nothing', 'migrate apply spec.yaml --dry-run'],
      ['a pilot: two people first', 'migrate apply spec.yaml --account anna@old.example --account bela@old.example'],
      ['a changed spec takes over from the running one', 'migrate apply spec.yaml --replace'],
    ],
  })
    .addOption(selection())
    .addOption(account())
    .option('--dry-run', 'read all that would move, and write nothing')
    .option('--watch', 'show progress until it is done')
    .option('--wait', 'return when it is done')
    .addOption(timeout())
    .option('--replace', 'take over from a running migration with another spec, at a safe point')
    .option('--prune', 'remove schedules that the spec no longer has');
  verb('verify <name>', 'prove again that every item arrived unchanged', {
    examples: [
      ['compare everything with the target once more', 'migrate verify acme-mail --wait'],
      ['of one person', 'migrate verify acme-mail --account anna@old.example --wait'],
    ],
  })
    .addOption(selection())
    .addOption(account())
    .option('--wait', 'return when it is done')
    .addOption(timeout());
  verb('report <name>', 'write the report: HTML, CSV and JSON', {
    files: [
      'writes FOLDER/report.html, items.csv, items.json and summary.json',
      '  (drover-report/NAME-run-N unless --out names another)',
    ],
    examples: [
      ['of the last run; exit code 0 when everything is verified', 'migrate report acme-mail'],
      ['of an earlier run, somewhere else', 'migrate report acme-mail --run 3 --out /srv/reports/acme'],
    ],
  })
    .option('--out <folder>', 'where to')
    .addOption(positive('--run <n>', 'of this run instead of the last'));
}
