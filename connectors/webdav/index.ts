/** Files and folders of any WebDAV server: the wire is connectors/dav. */
import type { Connector } from '../contract.js';
import type { FileBody } from '../files.js';
import type { WebdavOptions } from './manifest.js';
import { WebdavSession } from './session.js';
import { createWebdavSource } from './source.js';
import { createWebdavTarget } from './target.js';

export const connector: Connector<FileBody> = {
  source: (options, access) => createWebdavSource(new WebdavSession(options as unknown as WebdavOptions, access)),
  target: (options, access) => createWebdavTarget(new WebdavSession(options as unknown as WebdavOptions, access)),
};
