import type { Connector } from '../contract.js';
import type { Mail } from '../kinds/mail.js';
import { checkAccount } from '../local/local-files.js';
import type { Layout } from './folders.js';
import type { MaildirOptions } from './manifest.js';
import { createMaildirSource } from './source.js';
import { createMaildirTarget } from './target.js';

export const connector = {
  source: (options, { account }) => createMaildirSource(checked(options, account)),
  target: (options, { account, lanes }) => createMaildirTarget({ ...checked(options, account), lanes }),
} satisfies Connector<Mail, MaildirOptions>;

function checked({ path, layout = 'maildir++' }: MaildirOptions, account: string): { path: string; layout: Layout } {
  checkAccount(path, account);
  return { path, layout };
}
