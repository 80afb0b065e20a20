import { Option } from 'commander';
import { KINDS } from '../../connectors/contract.js';
import type { AddVerb } from './verb.js';

/** What needs nothing but this machine. */
export function addWritingVerbs(verb: AddVerb): void {
  verb('init [file]', 'write a first spec to fill in', {
    files: ['writes FILE (spec.yaml unless named; never over another); "-" is stdout'],
    examples: [
      ['mail from one IMAP server to another', 'migrate init'],
      ['files from a folder into Nextcloud', 'migrate init files.yaml --from folder --to nextcloud'],
      ['calendars, under a name, to stdout', 'migrate init - --from caldav --name acme-calendars'],
    ],
  })
    .addOption(new Option('--from <connector>', 'where from').default('imap'))
    .addOption(new Option('--to <connector>', 'where to (default: the same)'))
    .addOption(new Option('--kind <kind>', 'what to move (default: the first that both have)').choices(KINDS))
    .addOption(new Option('--name <name>', 'name of the migration').default('my-migration'));
  verb('validate <spec>', 'report every problem of a spec ("-" reads stdin)', {
    files: ['reads SPEC, and the CSV files with accounts that it names'],
    examples: [
      ['every problem at file:line:column; exit code 65 where there is one', 'migrate validate spec.yaml'],
      ['in a pipeline, where warnings count too', 'migrate validate --strict -o json spec.yaml'],
    ],
  }).option('--strict', 'let warnings fail too');
  verb('connectors [connector]', 'list the systems, or the options of one', {
    examples: [
      ['what can be moved from where to where', 'migrate connectors'],
      ['what may stand in the spec for an IMAP server', 'migrate connectors imap'],
    ],
  });
  verb('schema', "print the spec's JSON Schema", {
    examples: [['let the editor check a spec as it is typed', 'migrate schema > spec.schema.json']],
  });
}
