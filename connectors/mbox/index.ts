import type { Connector } from '../contract.js';
import type { Mail } from '../kinds/mail.js';
import { checkAccount } from '../local/local-files.js';
import type { MboxOptions } from './manifest.js';
import { createMboxSource } from './source.js';
import { createMboxTarget } from './target.js';

export const connector = {
  source: (options, { account }) =>
    createMboxSource({ path: pathOf(options, account), dialect: options.dialect ?? 'mboxrd' }),
  target: (options, { account }) => createMboxTarget(pathOf(options, account)),
} satisfies Connector<Mail, MboxOptions>;

function pathOf({ path }: MboxOptions, account: string): string {
  checkAccount(path, account);
  return path;
}
