/** The text of a first spec: required options filled with examples, the others as comments. */
import type { Kind } from '../connectors/contract.js';
import type { ConnectorManifest } from '../connectors/manifest.js';
import { TWO_WAY_KINDS, VERSIONED_KINDS } from '../schemas/kind-problems.js';
import { isSecret } from '../schemas/options.js';

type Shape = Readonly<Record<string, unknown>>;

/** A valid spec from `source` to `target`, both of which have the kind; their options are explained. */
export function starterSpec(name: string, kind: Kind, source: ConnectorManifest, target: ConnectorManifest): string {
  const twoWay =
    TWO_WAY_KINDS.includes(kind) &&
    [source, target].every(({ roles }) => roles.includes('source') && roles.includes('target'));
  return [
    '# yaml-language-server: $schema=./spec.schema.json',
    `# Moves ${kind} from ${source.name} to ${target.name}. \`migrate validate\` checks this file;`,
    '# `migrate schema > spec.schema.json` lets your editor check it as you type.',
    'version: 1',
    `name: ${name}`,
    '',
    'sources:',
    ...systemLines('old', source, kind),
    '',
    'targets:',
    ...systemLines('new', target, kind),
    '',
    'selections:',
    `  - name: ${kind}`,
    `    kind: ${kind}`,
    '    from: old',
    '    to: new',
    '    accounts:                       # or { file: people.csv } with the columns from,to',
    '      - { from: anna@old.example, to: anna@new.example }',
    ...SELECTION_HINTS[kind].map((hint) => `    # ${hint}`),
    ...(VERSIONED_KINDS.includes(kind) ? VERSIONED_HINTS.map((hint) => `    # ${hint}`) : []),
    ...(twoWay ? ['    # mode: two-way                 # keep both sides in step'] : []),
    '    # deletions: ignore             # or mirror',
    '',
    '# schedules:',
    '#   - name: nightly',
    `#     selections: [${kind}]`,
    '#     every: 1d                     # or cron: "0 2 * * *" with timezone: Europe/Berlin',
    '',
  ].join('\n');
}

/** What people ask for first, by kind. */
const SELECTION_HINTS: Readonly<Record<Kind, readonly string[]>> = {
  mail: [
    'include: { folders: ["INBOX", "Projects/**"], since: 2019-01-01 }',
    'exclude: { roles: [junk, trash] }  # whatever these folders are called',
    'map: { folders: { "Sent Items": Sent } }',
  ],
  calendar: [
    'include: { folders: ["Personal", "Team*"] }   # calendars by their names',
    'exclude: { folders: ["Birthdays"] }',
    'map: { folders: { Calendar: Personal } }',
  ],
  contacts: [
    'include: { folders: ["Contacts"] }            # address books by their names',
    'map: { folders: { Contacts: Personal } }',
    'match: [uid, email]           # what makes two contacts the same',
    'withoutEmail: move            # or skip',
  ],
  files: [
    'include: { folders: ["Projects/**"] }         # also files, types, since, newerThan, larger …',
    'exclude: { folders: ["**/node_modules"], files: ["**/*.tmp", "**/.DS_Store"], larger: 20GB }',
    'map: { folders: { "Old projects": Archive } }',
    'names: fail                   # or rename, skip: for names that the target cannot keep',
    'verify: readback              # or checksum (asked of the target), size',
  ],
};

const VERSIONED_HINTS = ['onConflict: skip              # or source, target, newest, both'];

/** What people limit first, by kind. */
const LIMITS_HINTS: Readonly<Record<Kind, string>> = {
  mail: 'connections: 16, connectionsPerAccount: 4',
  calendar: 'connections: 16, connectionsPerAccount: 4',
  contacts: 'connections: 16, connectionsPerAccount: 4',
  files: 'bandwidth: { "Mon-Fri 08:00-18:00 Europe/Berlin": 2MB/s }',
};

function systemLines(system: string, manifest: ConnectorManifest, kind: Kind): string[] {
  return [
    `  ${system}:${' '.repeat(2)}# ${manifest.summary}`,
    `    type: ${manifest.name}`,
    ...optionLines(system, { ...manifest.options }, '    '),
    `    # limits: { ${LIMITS_HINTS[kind]} }`,
  ];
}

/** Required options as they are, each with its description; then the others, commented out. */
function optionLines(system: string, schema: Shape, indent: string): string[] {
  const required = requiredOf(schema);
  const properties = Object.entries((schema.properties as Readonly<Record<string, Shape>> | undefined) ?? {});
  const lines: string[] = [];
  for (const [key, property] of properties.filter(([name]) => required.includes(name))) {
    lines.push(...comment(property, indent));
    if (isSecret(property)) lines.push(`${indent}${key}: { env: ${variable(system, key)} }`);
    else if (property.type === 'object')
      lines.push(`${indent}${key}:`, ...optionLines(system, property, `${indent}  `));
    else lines.push(`${indent}${key}: ${JSON.stringify(example(system, key, property))}`);
  }
  for (const [key, property] of properties.filter(([name]) => !required.includes(name))) {
    lines.push(...comment(property, indent));
    lines.push(`${indent}# ${key}: ${optional(system, key, property)}`);
  }
  return lines;
}

function optional(system: string, key: string, property: Shape): string {
  if (isSecret(property)) return `{ env: ${variable(system, key)} }`;
  const [value = property.default] = (property.examples as readonly unknown[] | undefined) ?? [];
  return value === undefined ? '…' : JSON.stringify(value);
}

/** What must stand: the schema's own list, and of a choice between fields the first. */
function requiredOf(schema: Shape): readonly string[] {
  const own = (schema.required as readonly string[] | undefined) ?? [];
  const [choice] = ((schema.oneOf ?? schema.anyOf) as readonly Shape[] | undefined) ?? [];
  return choice === undefined ? own : [...own, ...requiredOf(choice)];
}

function comment(property: Shape, indent: string): string[] {
  return typeof property.description === 'string' ? [`${indent}# ${property.description}`] : [];
}

function variable(system: string, key: string): string {
  return `${system}_${key.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase();
}

function example(system: string, key: string, property: Shape): unknown {
  const [first] = (property.examples as readonly unknown[] | undefined) ?? [];
  if (first !== undefined) return first;
  if (property.default !== undefined) return property.default;
  if (property.const !== undefined) return property.const;
  if (Array.isArray(property.enum)) return property.enum[0];
  switch (property.type) {
    case 'integer':
    case 'number':
      return property.minimum ?? 1;
    case 'boolean':
      return false;
    case 'array':
      return [];
    default: {
      const words: Readonly<Record<string, string>> = {
        host: `${key}.${system}.example`.replace(/^host\./, 'mail.'),
        username: '{account}',
        path: `/srv/${system}/{account}`,
        url: `https://dav.${system}.example`,
      };
      return words[key] ?? `my-${system}-${key.toLowerCase()}`;
    }
  }
}
