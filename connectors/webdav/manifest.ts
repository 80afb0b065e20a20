import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';
import { davOptions } from '../wire/dav/options.js';

const { ca, auth, timeouts } = davOptions;

export const manifest = {
  name: 'webdav',
  summary: 'Files and folders of any WebDAV server (RFC 4918), such as Apache mod_dav.',
  kinds: ['files'],
  roles: ['source', 'target'],
  listsAccounts: false,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['url', 'auth'],
    properties: {
      url: {
        type: 'string',
        minLength: 1,
        pattern: '^https?://[^\\s]+$',
        patternErrorMessage: 'an address that begins with https:// (or http://), without blanks',
        examples: ['https://files.example/{account}'],
        description:
          'The folder whose contents are moved, or moved to; {account} stands for the account. http:// sends the password in the clear.',
      },
      ca,
      auth,
      timeouts,
    },
  },
} as const satisfies ConnectorManifest;

export type WebdavOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
