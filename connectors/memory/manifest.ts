import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';

export const manifest = {
  name: 'memory',
  summary:
    'Mail, calendars and contacts that live in the worker’s memory: the reference for all connectors, for tests and trials.',
  kinds: ['mail', 'calendar', 'contacts'],
  roles: ['source', 'target'],
  listsAccounts: true,
  tellsAccountsApart: true,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['name'],
    properties: {
      name: {
        type: 'string',
        minLength: 1,
        description: 'Name of the process-wide store; two systems with the same name share it.',
      },
    },
  },
} as const satisfies ConnectorManifest;

export type MemoryOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
