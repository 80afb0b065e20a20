/** Opens our own IMAP connector on a test server. */
import type { Source, Target } from '../../connectors/contract.js';
import { connector } from '../../connectors/imap/index.js';
import type { ImapOptions } from '../../connectors/imap/manifest.js';
import type { Mail } from '../../connectors/kinds/mail.js';

interface Server {
  readonly host: string;
  readonly port: number;
}

type Overrides = Partial<Omit<ImapOptions, 'auth'>> & {
  readonly auth?: Partial<ImapOptions['auth']>;
  readonly secret?: string;
};

function opened(server: Server, account: string, { secret = 'secret', ...overrides }: Overrides) {
  const { auth, ...rest } = overrides;
  const options = {
    host: server.host,
    port: server.port,
    tls: 'none',
    auth: { username: account, ...(auth?.accessToken ? {} : { password: { env: 'PASSWORD' } }), ...auth },
    ...rest,
  };
  return [JSON.parse(JSON.stringify(options)), { account, kind: 'mail' as const, secret: async () => secret }] as const;
}

export function openSource(server: Server, account: string, overrides: Overrides = {}): Source<Mail> {
  return (connector.source as NonNullable<typeof connector.source>)(...opened(server, account, overrides));
}

export function openTarget(server: Server, account: string, overrides: Overrides = {}): Target<Mail> {
  return (connector.target as NonNullable<typeof connector.target>)(...opened(server, account, overrides));
}
