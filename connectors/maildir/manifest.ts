import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';

export const manifest = {
  name: 'maildir',
  summary: 'Mail in Maildir folders, as Dovecot, Courier, mutt and offlineimap keep them.',
  kinds: ['mail'],
  roles: ['source', 'target'],
  listsAccounts: true,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: {
        type: 'string',
        minLength: 1,
        description:
          'The Maildir of one account on the worker, the folder that holds cur, new and tmp. May contain {account}.',
      },
      layout: {
        enum: ['maildir++', 'fs'],
        default: 'maildir++',
        description: 'Where folders are: maildir++ (".Folder.Sub" beside cur) or fs ("Folder/Sub" beside cur).',
      },
    },
  },
} as const satisfies ConnectorManifest;

export type MaildirOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
