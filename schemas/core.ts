/** The spec's JSON Schema, but for the connectors' options: schemas/assemble.ts puts them in. */
import { KINDS, ROLES } from '../connectors/contract.js';
import { BYTES_HINT, BYTES_PATTERN, RATE_HINT, RATE_PATTERN } from './bytes.js';
import { DURATION_PATTERN } from './duration.js';

export type Schema = { readonly [key: string]: unknown };

export const NAME_PATTERN = '^[a-z0-9][a-z0-9-]{0,62}$';
const DATE_PATTERN = '^[0-9]{4}-[0-9]{2}-[0-9]{2}$';

/** What applies where a system sets no limit. Rates are unlimited then. */
export const DEFAULT_LIMITS = { connections: 16, connectionsPerAccount: 4 } as const;

const name = (of: string): Schema => ({
  type: 'string',
  pattern: NAME_PATTERN,
  patternErrorMessage: 'lower-case letters, digits and hyphens, at most 63, beginning with a letter or digit',
  description: `Name of the ${of}: lower-case letters, digits and hyphens, at most 63.`,
});

const duration = (description: string, fallback?: string): Schema => ({
  type: 'string',
  pattern: DURATION_PATTERN,
  patternErrorMessage: 'a duration such as 30s, 15m, 6h, 1h30m or 1d',
  description,
  ...(fallback !== undefined && { default: fallback }),
});

const date = (description: string): Schema => ({
  type: 'string',
  pattern: DATE_PATTERN,
  patternErrorMessage: 'a date such as 2019-01-31',
  description,
});

const share = (description: string, fallback: number): Schema => ({
  type: 'number',
  minimum: 0,
  maximum: 1,
  default: fallback,
  description,
});

export const accountName: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 320,
  pattern: '^[^\\s\\u0000-\\u001f\\u007f]([^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f])?$',
  patternErrorMessage: 'an account without blanks around it and without control characters',
};

const accounts: Schema = {
  description:
    'Whose accounts: a list of { from, to }; { file: people.csv } with the columns from and to; or all, where the source can list its accounts: each to the account of the same name.',
  anyOf: [
    { const: 'all', title: 'all' },
    {
      title: 'a list of { from, to }',
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['from', 'to'],
        properties: {
          from: { ...accountName, description: 'The account in the source, as it logs in there.' },
          to: { ...accountName, description: 'The account in the target.' },
        },
      },
    },
    {
      title: '{ file: people.csv }',
      type: 'object',
      additionalProperties: false,
      required: ['file'],
      properties: {
        file: {
          type: 'string',
          minLength: 1,
          description: 'CSV file with the header from,to; relative to the spec. It is read when the spec is submitted.',
        },
      },
    },
  ],
};

const words = (description: string): Schema => ({
  type: 'array',
  minItems: 1,
  items: { type: 'string', minLength: 1 },
  description,
});

const bytes = (least: number, description: string): Schema => ({
  type: ['integer', 'string'],
  minimum: least,
  pattern: BYTES_PATTERN,
  patternErrorMessage: BYTES_HINT,
  description,
});

const filter = (description: string): Schema => ({
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  description,
  properties: {
    folders: words(
      'Globs over the path of a folder, calendar or address book, "/" between levels: * within a level, ** over levels, ?, {a,b}; brackets and parentheses are literal. "Projects/**" includes Projects itself. For files a folder stands for everything below it.',
    ),
    roles: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: ROLES },
      description:
        'Mail only: folders by what they are for, whatever they are called: as an IMAP server says (SPECIAL-USE, RFC 6154), else by the names that mail programs use in many languages. What is below such a folder goes with it, but for the inbox, which stands for itself alone.',
    },
    files: words(
      'Files only: globs over the whole path of a file, as for folders: "**/*.docx" in any folder, "*.docx" at the root only.',
    ),
    types: words(
      'Files only: media types by the ending of the name, such as application/pdf, or a whole family such as image/*. Other files have none.',
    ),
    since: date(
      'Mail and files only: messages with an internal date, files with content changed, on this day or later (YYYY-MM-DD, UTC).',
    ),
    before: date(
      'Mail and files only: messages with an internal date, files with content changed, before this day (YYYY-MM-DD, UTC).',
    ),
    olderThan: duration('Files only: content last changed longer ago than this when the run looks.'),
    newerThan: duration('Files only: content changed within this time before the run looks.'),
    larger: bytes(0, 'Mail and files only: larger than this, in bytes or such as 10MB, 4GiB.'),
    smaller: bytes(1, 'Mail and files only: smaller than this, in bytes or such as 10MB, 4GiB.'),
  },
});

const selection: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'kind', 'from', 'to', 'accounts'],
  description: 'What to move: a kind, from a source, to a target, for which accounts.',
  properties: {
    name: name('selection'),
    kind: { enum: KINDS, description: 'What is moved.' },
    from: { type: 'string', description: 'Name of one of the sources.' },
    to: { type: 'string', description: 'Name of one of the targets.' },
    accounts,
    include: filter('Only items that fit all of these.'),
    exclude: filter('Without items that fit any of these.'),
    map: {
      type: 'object',
      additionalProperties: false,
      description: 'Names that differ between source and target.',
      properties: {
        folders: {
          type: 'object',
          propertyNames: { type: 'string', minLength: 1 },
          additionalProperties: { type: 'string', minLength: 1, description: 'Path of the folder in the target.' },
          description:
            'Folders, calendars or address books by their path in the source, to the path in the target. What is not named goes by special use (sent, drafts …), then by name. What is below a named folder goes with it; the longest name counts. With mode: two-way no two may lead to one.',
        },
      },
    },
    deletions: {
      enum: ['ignore', 'mirror'],
      default: 'ignore',
      description:
        'What a deletion in the source does in the target: nothing (ignore), or the same deletion of what was moved before (mirror). With mode: two-way it holds in both directions, and an edit is worth more than a deletion.',
    },
    maxDeletions: share(
      "With deletions: mirror, the share (0 to 1) of a unit's items that may go at once without approval.",
      0.1,
    ),
    verify: {
      enum: ['readback', 'checksum', 'size'],
      default: 'readback',
      description:
        'The evidence asked for: read every item back and compare its digest; for files, ask the target for its checksum, and read back what it cannot tell (checksum); or compare sizes only.',
    },
    mode: {
      enum: ['one-way', 'two-way'],
      default: 'one-way',
      description:
        'With two-way, changes of either side reach the other: for calendars and contacts, between systems that can be source and target.',
    },
    containers: {
      enum: ['create', 'existing'],
      default: 'create',
      description:
        'What becomes of folders, calendars and address books that the target does not have: they are made (create), or what belongs there is refused and named (existing), so that only what somebody prepared is filled.',
    },
    onConflict: {
      enum: ['skip', 'source', 'target', 'newest', 'both'],
      default: 'skip',
      description:
        'For calendars, contacts and files: what happens when an item was changed on both sides, or the target holds another of the same identity (for files: of the same path). It is reported and left (skip), one side wins (source, target), the later change wins (newest), or both are kept as two items (both).',
    },
    match: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: {
        type: 'string',
        pattern: '^(uid|email|phone|name|[A-Z][A-Z0-9-]*)$',
        patternErrorMessage: 'uid, email, phone, name, or a vCard property in capitals such as X-CUSTOMER-NUMBER',
      },
      default: ['uid'],
      description:
        'What makes two contacts the same: uid, email (letter case aside), phone, name, or a vCard property such as X-CUSTOMER-NUMBER. The first that both have decides.',
    },
    names: {
      enum: ['rename', 'skip', 'fail'],
      default: 'fail',
      description:
        'What becomes of files and folders whose names the target cannot keep, or takes for the same (letter case, Unicode form): they get another name (rename), are left out (skip), or are refused (fail). Each is reported.',
    },
    withoutEmail: {
      enum: ['move', 'skip'],
      default: 'move',
      description: 'What is done with contacts that have no e-mail address: they move, or are skipped and reported.',
    },
    maxFailures: share("The share (0 to 1) of a unit's items that may fail before it waits for a decision.", 0.05),
  },
};

const schedule: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'selections'],
  description: 'When to run again. Exactly one of every and cron.',
  properties: {
    name: name('schedule'),
    selections: {
      type: 'array',
      minItems: 1,
      items: { type: 'string' },
      description: 'Names of the selections to run.',
    },
    every: duration('The time between starts, such as 15m, 6h or 1d.'),
    cron: {
      type: 'string',
      description:
        'Starts by cron: minute, hour, day of month, month, day of week, as in crontab(5), but where both kinds of day are limited, both must fit.',
    },
    timezone: {
      type: 'string',
      default: 'UTC',
      description: 'The time zone of cron, by its IANA name such as Europe/Berlin.',
    },
    jitter: duration('Each start is put off by a random part of this.', '0s'),
    overlap: {
      enum: ['skip', 'buffer-one'],
      default: 'skip',
      description:
        'What a start does while an earlier run of this schedule goes on: skip, or wait for its end (buffer-one: at most one waits). There are no others: a migration runs once at a time, and a run moves all that has changed, so that more starts in line would find nothing to do.',
    },
    catchupWindow: duration('How far back starts are made up for that were missed while Temporal was down.', '1h'),
    paused: { type: 'boolean', default: false, description: 'Create the schedule paused.' },
  },
};

export const limits: Schema = {
  type: 'object',
  additionalProperties: false,
  description: 'Limits of the system, shared by all workers.',
  properties: {
    connections: {
      type: 'integer',
      minimum: 1,
      maximum: 10000,
      default: DEFAULT_LIMITS.connections,
      description: 'Open connections to the system, over all workers.',
    },
    connectionsPerAccount: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: DEFAULT_LIMITS.connectionsPerAccount,
      description: 'Open connections for one account, over all workers.',
    },
    itemsPerSecond: { type: 'number', exclusiveMinimum: 0, description: 'Items a second, over all workers.' },
    bytesPerSecond: { type: 'number', exclusiveMinimum: 0, description: 'Bytes a second, over all workers.' },
    bandwidth: {
      type: 'object',
      minProperties: 1,
      additionalProperties: {
        type: ['number', 'string'],
        exclusiveMinimum: 0,
        pattern: RATE_PATTERN,
        patternErrorMessage: RATE_HINT,
        description: 'Bytes a second, or a rate such as 2MB/s or 500KiB/s.',
      },
      description:
        'Bytes a second by time of day, over all workers, such as { "08:00-18:00 Europe/Berlin": 2MB/s, "Sat,Sun 00:00-24:00 Europe/Berlin": 50MB/s }: days (optional, Mon-Fri or Sat,Sun), a span that may go over midnight, and one time zone for all. Where bytesPerSecond is set too, the lower of both holds; outside of all spans only that.',
    },
  },
};

/** The document around the systems; `system` is the schema of one source or target. */
export function coreSchema(source: Schema, target: Schema, definitions: Schema): Schema {
  const systems = (role: 'source' | 'target', system: Schema, description: string): Schema => ({
    type: 'object',
    minProperties: 1,
    propertyNames: name(role),
    additionalProperties: system,
    description,
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'https://drover.invalid/spec.schema.json',
    title: 'Drover spec',
    description: 'What to move, from where, to where, and when. Secrets are references, never literals.',
    type: 'object',
    additionalProperties: false,
    required: ['version', 'name', 'sources', 'targets', 'selections'],
    properties: {
      version: { const: 1, description: 'Version of the spec’s format.' },
      name: name('migration; its workflow is migrate/<name>'),
      sources: systems('source', source, 'The systems to read from, by a name of your choice. They are only read.'),
      targets: systems('target', target, 'The systems to write to, by a name of your choice.'),
      selections: { type: 'array', minItems: 1, items: selection, description: 'What to move.' },
      schedules: { type: 'array', items: schedule, description: 'When to run again by itself.' },
    },
    definitions,
  };
}
