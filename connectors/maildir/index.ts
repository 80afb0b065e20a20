import type { Connector, JsonObject } from '../contract.js';
import { checkAccount } from '../local-files.js';
import type { Mail } from '../mail.js';
import type { Layout } from './folders.js';
import { createMaildirSource } from './source.js';
import { createMaildirTarget } from './target.js';

export const connector: Connector<Mail> = {
  source: (options, { account }) => createMaildirSource(checked(options, account)),
  target: (options, { account, lanes }) => createMaildirTarget({ ...checked(options, account), lanes }),
};

function checked(options: JsonObject, account: string): { path: string; layout: Layout } {
  const path = String(options.path);
  checkAccount(path, account);
  return { path, layout: (options.layout ?? 'maildir++') as Layout };
}
