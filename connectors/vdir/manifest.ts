import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';

export const manifest = {
  name: 'vdir',
  summary: 'Calendars and address books as folders of .ics and .vcf files (vdir), and large export files as sources.',
  kinds: ['calendar', 'contacts'],
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
          'The folder, on the worker, that holds one folder for each calendar or address book; a source may also be an export file (.ics or .vcf), or a folder of such. May contain {account}.',
      },
    },
  },
} as const satisfies ConnectorManifest;

export type VdirOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
