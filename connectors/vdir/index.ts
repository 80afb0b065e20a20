import type { Access, Connector, JsonObject } from '../contract.js';
import { Fault } from '../errors.js';
import { checkAccount } from '../local-files.js';
import type { VdirKind } from './item-files.js';
import { createVdirSource } from './source.js';
import { createVdirTarget } from './target.js';

export const connector: Connector<Buffer> = {
  source: (options, access) => createVdirSource(...checked(options, access)),
  target: (options, access) => createVdirTarget(...checked(options, access)),
};

function checked(options: JsonObject, { account, kind }: Access): [path: string, kind: VdirKind] {
  if (kind === 'mail' || kind === 'files') {
    throw new Fault('spec', `a vdir holds calendars and contacts, no ${kind}`, {
      next: kind === 'mail' ? 'use maildir or mbox for mail' : 'use folder for files',
    });
  }
  const path = String(options.path);
  checkAccount(path, account);
  return [path, kind];
}
