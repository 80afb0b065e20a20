import type { ConnectorManifest } from '../manifest.js';
import { davOptions } from '../wire/dav/options.js';

export const manifest = {
  name: 'caldav',
  summary: 'Calendars of any CalDAV account (RFC 4791).',
  kinds: ['calendar'],
  roles: ['source', 'target'],
  listsAccounts: false,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['url', 'auth'],
    properties: {
      ...davOptions,
      scheduling: {
        enum: ['quiet', 'allow'],
        default: 'quiet',
        description:
          'Of a target that mails attendees: quiet keeps it from doing so, and refuses events where that is not possible; allow lets it mail.',
      },
    },
  },
} as const satisfies ConnectorManifest;
