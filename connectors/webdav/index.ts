/** Files and folders of any WebDAV server: the wire is connectors/wire/dav. */
import type { Connector } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import type { WebdavOptions } from './manifest.js';
import { WebdavSession } from './session.js';
import { createWebdavSource } from './source.js';
import { createWebdavTarget } from './target.js';

export const connector = {
  source: (options, access) => createWebdavSource(new WebdavSession(options, access)),
  target: (options, access) => createWebdavTarget(new WebdavSession(options, access)),
} satisfies Connector<FileBody, WebdavOptions>;
