import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';
import { secretSchema } from '../manifest.js';

const authSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['username'],
  description: 'How to log in: a password or an OAuth access token.',
  properties: {
    username: {
      type: 'string',
      minLength: 1,
      description:
        'Login name; {account} stands for the account. Master users: "{account}*master", or authorizationId.',
    },
    password: secretSchema,
    accessToken: secretSchema,
    mechanism: {
      enum: ['auto', 'login', 'plain', 'xoauth2', 'oauthbearer'],
      default: 'auto',
      description: 'Login mechanism; auto takes the best one the server offers for what is given.',
    },
    authorizationId: {
      type: 'string',
      minLength: 1,
      description:
        'Account to act for, where username is a master user (SASL authorization identity); {account} is allowed.',
    },
  },
  oneOf: [{ required: ['password'] }, { required: ['accessToken'] }],
} as const;

export const manifest = {
  name: 'imap',
  summary: 'Any IMAP4rev1 account.',
  kinds: ['mail'],
  roles: ['source', 'target'],
  listsAccounts: false,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['host', 'auth'],
    properties: {
      host: { type: 'string', minLength: 1, description: 'Server name or address, without a scheme or port.' },
      port: {
        type: 'integer',
        minimum: 1,
        maximum: 65535,
        description: 'TCP port; 993 for tls: implicit, else 143, unless given.',
      },
      tls: {
        enum: ['implicit', 'starttls', 'none'],
        default: 'implicit',
        description:
          'Encryption: implicit (from the first byte), starttls, or none, which sends the password in the clear.',
      },
      ca: { type: 'string', minLength: 1, description: "Path, on the worker, of the PEM file of the server's own CA." },
      servername: {
        type: 'string',
        minLength: 1,
        description: 'Name the certificate must bear, where it differs from host.',
      },
      auth: authSchema,
      prefix: {
        type: 'string',
        description: 'Prefix of the personal folders, e.g. "INBOX."; taken from the server (NAMESPACE) unless given.',
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
            description: 'From dialling to the greeting. Default 30000.',
          },
          replyMs: {
            type: 'integer',
            minimum: 100,
            default: 120000,
            description: 'Silence after which a connection with a command under way counts as dead. Default 120000.',
          },
        },
      },
    },
  },
} as const satisfies ConnectorManifest;

export type ImapOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
