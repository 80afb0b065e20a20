/** The IMAP connector. */
import type { Connector } from '../contract.js';
import type { Mail } from '../mail.js';
import type { ImapOptions } from './manifest.js';
import { ImapSession } from './session.js';
import { createImapSource } from './source.js';
import { createImapTarget } from './target.js';

export const connector: Connector<Mail> = {
  source: (options, access) =>
    createImapSource(new ImapSession(options as unknown as ImapOptions, access, ['QRESYNC', 'CONDSTORE'])),
  target: (options, access) => createImapTarget(new ImapSession(options as unknown as ImapOptions, access, [])),
};
