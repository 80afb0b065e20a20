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
  isForTests: true,
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
      unordered: {
        type: 'boolean',
        description: 'Lists the last changed items first, page by page, as they are when each page is asked for.',
      },
      pageItems: { type: 'integer', minimum: 1, description: 'Items on a page of a listing. 1000 if absent.' },
      cursorsExpire: {
        type: 'boolean',
        description: 'A listing in no order can be gone on with only by the connection that began it.',
      },
      replays: {
        type: 'boolean',
        description:
          'The last page of a listing in no order names again what changed meanwhile, and takes back what was deleted.',
      },
      tokenLast: {
        type: 'boolean',
        description: 'Listings in no order, and changes, give their token with their last page; folders have none.',
      },
      keysOnly: {
        type: 'boolean',
        description: 'Listings and changes tell keys and versions; sizes and flags come with the content.',
      },
      renders: {
        type: 'boolean',
        description: 'Each reading of an item differs from the one before, as exports and renderings do.',
      },
      looksUp: { type: 'boolean', description: 'Items can be looked up by their keys.' },
    },
  },
} as const satisfies ConnectorManifest;

export type MemoryOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
