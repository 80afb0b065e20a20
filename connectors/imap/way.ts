/** Where a server is, as its options say it, and how they would be corrected. */
import type { WayThere } from '../wire/unreachable.js';
import type { ImapOptions } from './manifest.js';

export function imapPort(options: Pick<ImapOptions, 'port' | 'tls'>): number {
  return options.port ?? ((options.tls ?? 'implicit') === 'implicit' ? 993 : 143);
}

export function wayTo(options: Pick<ImapOptions, 'host' | 'port' | 'tls'>): WayThere {
  return {
    at: `${options.host}:${imapPort(options)}`,
    address: 'host and port',
    onPlainPort: 'set tls: starttls, or the port that speaks TLS from its first byte, 993 as a rule',
    onOtherNames: 'use one of these names as host, or name it with servername',
  };
}
