/** What a spec says of a CalDAV or CardDAV account. */
import type { FromSchema } from 'json-schema-to-ts';
import { secretSchema } from '../../manifest.js';

export const davOptions = {
  url: {
    type: 'string',
    minLength: 1,
    pattern: '^(https?://[^\\s]+|[A-Za-z0-9.-]+)$',
    patternErrorMessage: 'an address that begins with https:// (or http://), or a domain alone',
    description:
      'Where the account is: any URL of it (the server, the principal, the home of its collections), or a domain alone, looked up by DNS SRV and /.well-known (RFC 6764). {account} stands for the account. http:// sends the password in the clear.',
  },
  home: {
    type: 'string',
    minLength: 1,
    pattern: '^/',
    description: 'Path of the home of the collections, where the server does not tell it; {account} is allowed.',
  },
  ca: { type: 'string', minLength: 1, description: "Path, on the worker, of the PEM file of the server's own CA." },
  auth: {
    type: 'object',
    additionalProperties: false,
    description: 'How to log in: name and password (Basic), or an OAuth access token (Bearer).',
    properties: {
      username: { type: 'string', minLength: 1, description: 'Login name; {account} stands for the account.' },
      password: secretSchema,
      accessToken: secretSchema,
    },
    oneOf: [{ required: ['username', 'password'] }, { required: ['accessToken'] }],
  },
  shared: {
    enum: ['skip', 'move'],
    default: 'skip',
    description:
      'Calendars and address books that others own and share with the account: skip leaves them to their owners, since each person they are shared with would get a copy; move takes them along. doctor and plan say how many there are.',
  },
  tokenLife: {
    type: 'string',
    pattern: '^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$',
    default: '30d',
    description:
      'How long the server remembers its sync tokens. A schedule that starts less often lists everything each time: validate warns of that.',
  },
  timeouts: {
    type: 'object',
    additionalProperties: false,
    description: 'How long to wait for the server, in milliseconds.',
    properties: {
      connectMs: {
        type: 'integer',
        minimum: 100,
        default: 30000,
        description: 'From dialling to a connection. Default 30000.',
      },
      replyMs: {
        type: 'integer',
        minimum: 100,
        default: 300000,
        description: 'Silence after which a request counts as lost. Default 300000: large listings take long to make.',
      },
    },
  },
} as const;

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['url', 'auth'],
  properties: davOptions,
} as const;

export type DavOptions = FromSchema<typeof schema, { keepDefaultedPropertiesOptional: true }> & {
  readonly scheduling?: 'quiet' | 'allow';
};
