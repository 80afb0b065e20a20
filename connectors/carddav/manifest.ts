import { davOptions } from '../dav/options.js';
import type { ConnectorManifest } from '../manifest.js';

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
