import type { Access, Connector } from '../contract.js';
import { Fault } from '../errors.js';
import type { VdirKind } from '../local/item-files.js';
import { checkAccount } from '../local/local-files.js';
import type { VdirOptions } from './manifest.js';
import { createVdirSource } from './source.js';
import { createVdirTarget } from './target.js';

export const connector = {
  source: (options, access) => createVdirSource(...checked(options, access)),
  target: (options, access) => createVdirTarget(...checked(options, access)),
} satisfies Connector<Buffer, VdirOptions>;

function checked({ path }: VdirOptions, { account, kind }: Access): [path: string, kind: VdirKind] {
  if (kind === 'mail' || kind === 'files') {
    throw new Fault('spec', `vdir stores calendars and contacts, not ${kind}`, {
      next: kind === 'mail' ? 'use maildir or mbox for mail' : 'use folder for files',
    });
  }
  checkAccount(path, account);
  return [path, kind];
}
