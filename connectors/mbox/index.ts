import type { Connector, JsonObject } from '../contract.js';
import { checkAccount } from '../local-files.js';
import type { Mail } from '../mail.js';
import type { Dialect } from './message-at.js';
import { createMboxSource } from './source.js';
import { createMboxTarget } from './target.js';

export const connector: Connector<Mail> = {
  source: (options, { account }) =>
    createMboxSource({ path: pathOf(options, account), dialect: (options.dialect ?? 'mboxrd') as Dialect }),
  target: (options, { account }) => createMboxTarget(pathOf(options, account)),
};

function pathOf(options: JsonObject, account: string): string {
  const path = String(options.path);
  checkAccount(path, account);
  return path;
}
