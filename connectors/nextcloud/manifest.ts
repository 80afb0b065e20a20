import type { FromSchema } from 'json-schema-to-ts';
import type { ConnectorManifest } from '../manifest.js';
import { davOptions } from '../wire/dav/options.js';

const { auth, ca, timeouts } = davOptions;

export const manifest = {
  name: 'nextcloud',
  summary: 'Files of any Nextcloud account: chunked and bulk upload, dates, checksums, quota.',
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
        examples: ['https://cloud.example'],
        description:
          "URL of the instance (https://cloud.example), or of the account's files (https://cloud.example/remote.php/dav/files/anna), or of a folder of them. {account} stands for the account. http:// sends the password in the clear.",
      },
      folder: {
        type: 'string',
        minLength: 1,
        examples: ['Departments/Sales'],
        description:
          'Only this folder of the files, e.g. Departments/Sales; {account} is allowed. A target makes it where it is missing.',
      },
      shared: {
        enum: ['skip', 'move'],
        default: 'skip',
        description:
          'Files that others share with the account, and team folders, in a source: skip leaves them where they are, since each account that sees them would get a copy; move takes them along. What folder or url names is moved in any case. doctor and plan say how many there are.',
      },
      auth,
      ca,
      timeouts,
      partBytes: {
        type: 'integer',
        minimum: 8_388_608,
        maximum: 5_000_000_000,
        default: 67_108_864,
        description:
          'Size of the parts of large files, rounded down to a multiple of 8 MiB. Default 67108864 (64 MiB), or less where the server says so. A proxy with a smaller limit on requests needs less.',
      },
      bulk: {
        enum: ['auto', 'without-creation-dates', 'never'],
        default: 'auto',
        description:
          'Small files many at once, into folders that this migration has just made; elsewhere each is sent by itself, on the condition that nothing stands there. Bulk upload keeps no creation dates: with auto, files that have one are sent by themselves; with without-creation-dates they lose it, which is faster.',
      },
    },
  },
} as const satisfies ConnectorManifest;

export type NextcloudOptions = FromSchema<typeof manifest.options, { keepDefaultedPropertiesOptional: true }>;
