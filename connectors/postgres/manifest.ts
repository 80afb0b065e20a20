import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';
import { secretSchema } from '../manifest.js';

/** Names are quoted in every statement: letters of any script, blanks and hyphens may stand in them. */
const name = '[\\p{L}_][\\p{L}\\p{N}_$ -]{0,62}';
const identifier = `^${name}$` as const;

export const manifest = {
  name: 'postgres',
  summary: 'Contacts in a table of a PostgreSQL database: one that it makes, or your own.',
  kinds: ['contacts'],
  roles: ['source', 'target'],
  listsAccounts: false,
  tellsAccountsApart: true,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['host', 'database', 'auth'],
    properties: {
      host: { type: 'string', minLength: 1, description: 'Server name or address, or the folder of its Unix socket.' },
      port: { type: 'integer', minimum: 1, maximum: 65535, default: 5432, description: 'TCP port. Default 5432.' },
      database: { type: 'string', minLength: 1, description: 'Name of the database.' },
      tls: {
        enum: ['verify', 'none'],
        default: 'verify',
        description: 'verify: encrypted, the certificate checked; none sends everything in the clear.',
      },
      ca: { type: 'string', minLength: 1, description: "Path, on the worker, of the PEM file of the server's own CA." },
      auth: {
        type: 'object',
        additionalProperties: false,
        required: ['username', 'password'],
        description: 'The role that logs in.',
        properties: {
          username: { type: 'string', minLength: 1, description: 'Name of the role; {account} is allowed.' },
          password: secretSchema,
        },
      },
      table: {
        type: 'string',
        pattern: `^(${name}\\.)?${name}$`,
        default: 'contacts',
        description:
          'The table, as name or schema.name, in the case in which PostgreSQL has it. Without `columns` it is the documented one, made where it is missing (unless create: false).',
      },
      create: {
        type: 'boolean',
        default: true,
        description: 'Make the documented table where there is none. Never done with `columns`.',
      },
      columns: {
        type: 'object',
        minProperties: 1,
        propertyNames: {
          pattern:
            '^(uid|name|given|family|organization|title|note|birthday|url|vcard|(email|phone|address|street|city|region|postcode|country)(:[a-z]+)?|[A-Z][A-Z0-9-]*)$',
        },
        additionalProperties: { type: 'string', pattern: identifier, description: 'Name of the column.' },
        description:
          'Your own table: what of a contact stands in which column. Words: uid, name, given, family, organization, title, note, birthday, url; email, phone, address, street, city, region, postcode, country, each also with a type (email:work, phone:cell); vcard (the whole card); or a vCard property such as X-CUSTOMER-NUMBER. Columns may be text, whole numbers, date or uuid; an array column takes all values, another the preferred one. Without vcard, what has no column is left out, and said so with each contact.',
      },
      key: {
        type: 'string',
        pattern: identifier,
        description: 'With `columns`: the column that names a row, unique and not null. Default: the primary key.',
      },
      version: {
        type: 'string',
        pattern: identifier,
        description:
          'With `columns`: a column that differs after every change of a row, such as one that a trigger counts up. Default: what PostgreSQL itself keeps of each row (xmin), which misses nothing.',
      },
      owner: {
        type: 'object',
        additionalProperties: false,
        required: ['column', 'value'],
        description: 'With `columns`: the rows of the table that are this account’s.',
        properties: {
          column: { type: 'string', pattern: identifier, description: 'The column that tells whose row it is.' },
          value: { type: 'string', minLength: 1, description: 'What stands there; {account} is allowed.' },
        },
      },
    },
  },
} as const satisfies ConnectorManifest;

export type PostgresOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
