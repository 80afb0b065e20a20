import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';

export const manifest = {
  name: 'mbox',
  summary: 'Mail in mbox files: exports of Thunderbird, Apple Mail, Google Takeout, mutt and most servers.',
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
          'An mbox file, or a folder with a tree of them, on the worker. May contain {account}; a target is always a folder.',
      },
      dialect: {
        enum: ['mboxrd', 'mboxo', 'mboxcl', 'mboxcl2'],
        default: 'mboxrd',
        description:
          'How "From " lines inside messages are protected: mboxrd (">" before every ">From "), mboxo (">" before "From "), mboxcl (as mboxo, and Content-Length tells), mboxcl2 (not at all: Content-Length tells). A target writes mboxrd only.',
      },
    },
  },
} as const satisfies ConnectorManifest;

export type MboxOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
