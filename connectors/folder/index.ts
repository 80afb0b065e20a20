import type { Access, Connector } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody } from '../kinds/files.js';
import { checkAccount } from '../local/local-files.js';
import type { FolderOptions } from './manifest.js';
import { createFolderSource } from './source.js';
import { createFolderTarget } from './target.js';

export const connector = {
  source: (options, access) => createFolderSource(checkedPath(options, access), options.links ?? 'skip'),
  target: (options, access) => createFolderTarget({ path: checkedPath(options, access) }),
} satisfies Connector<FileBody, FolderOptions>;

function checkedPath({ path }: FolderOptions, { account, kind }: Access): string {
  if (kind !== 'files') {
    throw new Fault('spec', `folder stores files, not ${kind}`, {
      next: kind === 'mail' ? 'use maildir or mbox for mail' : 'use vdir for calendars and contacts',
    });
  }
  checkAccount(path, account);
  return path;
}
