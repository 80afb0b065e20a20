/** The IMAP connector. */
import type { Connector } from '../contract.js';
import type { Mail } from '../kinds/mail.js';
import type { ImapOptions } from './manifest.js';
import { ImapSession } from './session.js';
import { createImapSource } from './source.js';
import { createImapTarget } from './target.js';

export const connector = {
  source: (options, access) => createImapSource(new ImapSession(options, access, ['QRESYNC', 'CONDSTORE'])),
  target: (options, access) => createImapTarget(new ImapSession(options, access, [])),
} satisfies Connector<Mail, ImapOptions>;
