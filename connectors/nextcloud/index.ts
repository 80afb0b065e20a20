/** The Nextcloud connector: files by WebDAV (connectors/wire/dav is the wire), and what Nextcloud has beside it. */
import type { Connector } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import type { NextcloudOptions } from './manifest.js';
import { NextcloudSession } from './session.js';
import { createNextcloudSource } from './source.js';
import { createNextcloudTarget } from './target.js';

export const connector = {
  source: (options, access) => createNextcloudSource(new NextcloudSession(options, access)),
  target: (options, access) => createNextcloudTarget(new NextcloudSession(options, access)),
} satisfies Connector<FileBody, NextcloudOptions>;
