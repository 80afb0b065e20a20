import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';

export const manifest = {
  name: 'folder',
  summary: 'A folder of files on the worker: a local disk, or a share that is mounted there.',
  kinds: ['files'],
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
        description: 'The folder, as the worker sees it. May contain {account}.',
      },
      links: {
        enum: ['skip', 'keep', 'follow'],
        default: 'skip',
        description:
          'What a source does with symbolic links: skip leaves them out and says so, keep moves them as links, follow moves what they point to within the folder.',
      },
    },
  },
} as const satisfies ConnectorManifest;

export type FolderOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
