import type { Access, Connector, JsonObject } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody } from '../files.js';
import { checkAccount } from '../local-files.js';
import type { LinkPolicy } from './resolve.js';
import { createFolderSource } from './source.js';
import { createFolderTarget } from './target.js';

export const connector: Connector<FileBody> = {
  source: (options, access) =>
    createFolderSource(checkedPath(options, access), (options.links as LinkPolicy | undefined) ?? 'skip'),
  target: (options, access) => createFolderTarget({ path: checkedPath(options, access) }),
};

function checkedPath(options: JsonObject, { account, kind }: Access): string {
  if (kind !== 'files') {
    throw new Fault('spec', `a folder holds files, no ${kind}`, {
      next: kind === 'mail' ? 'use maildir or mbox for mail' : 'use vdir for calendars and contacts',
    });
  }
  const path = String(options.path);
  checkAccount(path, account);
  return path;
}
