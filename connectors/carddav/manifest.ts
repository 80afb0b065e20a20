import type { ConnectorManifest } from '../manifest.js';
import { davOptions } from '../wire/dav/options.js';

export const manifest = {
  name: 'carddav',
  summary: 'Address books of any CardDAV account (RFC 6352).',
  kinds: ['contacts'],
  roles: ['source', 'target'],
  listsAccounts: false,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['url', 'auth'],
    properties: davOptions,
  },
} as const satisfies ConnectorManifest;
