/** What `doctor` and `plan` show of an IMAP server. */
import type { Capability } from '../contract.js';
import type { ImapConnection } from './connection.js';
import { quotasOf } from './quota.js';
import type { ImapSession } from './session.js';

export async function describeSource(connection: ImapConnection, session: ImapSession): Promise<Capability[]> {
  const tracking = session.enabled('QRESYNC') ? 'QRESYNC' : connection.has('CONDSTORE') ? 'CONDSTORE' : 'none';
  return [
    ...introduced(connection, session),
    { name: 'change tracking', value: `${tracking}${TRACKING[tracking] ?? ''}` },
    offer(connection, 'special-use folders', 'SPECIAL-USE', 'roles are taken from folder names'),
    offer(connection, 'folder states in one reply', 'LIST-STATUS', 'one STATUS a folder'),
    ...(await quota(connection)),
  ];
}

const TRACKING: Readonly<Record<string, string>> = {
  CONDSTORE: ': reruns list a folder again when something was removed from it',
  none: ': reruns list every folder',
};

export async function describeTarget(connection: ImapConnection, session: ImapSession): Promise<Capability[]> {
  const inbox = await session.select(connection, 'INBOX', 'write', true);
  const keywords = inbox.permanentFlags === undefined || inbox.permanentFlags.has('\\*');
  return [
    ...introduced(connection, session),
    { name: 'several messages a command', value: connection.has('MULTIAPPEND') ? 'MULTIAPPEND' : 'no: slower' },
    { name: 'literals', value: literals(connection) },
    { name: 'largest message', value: appendLimit(connection) },
    {
      name: 'references of new messages',
      value: connection.has('UIDPLUS') ? 'UIDPLUS' : 'none: messages are found again by their digest',
      ...(connection.has('UIDPLUS')
        ? {}
        : {
            problem:
              'without UIDPLUS nothing can be moved or removed in the target; deletions and moves will be refused',
          }),
    },
    { name: 'keywords', value: keywords ? 'new ones are kept' : `only ${[...(inbox.permanentFlags ?? [])].join(' ')}` },
    ...(inbox.readOnly
      ? [
          {
            name: 'access',
            own: true,
            value: 'read-only',
            problem: 'this login may not write; give it the rights',
          } as const,
        ]
      : []),
    ...(await quota(connection)),
  ];
}

/** Who the server is, and what it wants a person to read. */
function introduced(connection: ImapConnection, { server }: ImapSession): Capability[] {
  return [
    ...(server === undefined ? [] : [{ name: 'server', value: server }]),
    ...connection.alerts.map((value) => ({ name: 'alert', value })),
  ];
}

/** Bytes, or `not told`. RFC 7889: a bare APPENDLIMIT means that it differs by folder. */
function appendLimit(connection: ImapConnection): string {
  const limit = connection.capabilityValue('APPENDLIMIT');
  if (limit !== undefined) return `${limit} bytes`;
  return connection.has('APPENDLIMIT') ? 'differs by folder' : 'not told';
}

function literals(connection: ImapConnection): string {
  if (connection.has('LITERAL+')) return 'LITERAL+';
  return connection.has('LITERAL-')
    ? 'LITERAL-: a round trip for each message over 4096 bytes'
    : 'a round trip for each message';
}

function offer(connection: ImapConnection, name: string, capability: string, otherwise: string): Capability {
  return { name, value: connection.has(capability) ? capability : `no: ${otherwise}` };
}

async function quota(connection: ImapConnection): Promise<Capability[]> {
  const quotas = await quotasOf(connection);
  if (!quotas) return [{ name: 'quota', value: 'the server does not tell' }];
  return quotas.map(
    ({ resource, used, limit }): Capability => ({
      name: `quota ${resource.toLowerCase()}`,
      value: `${used} of ${limit}${resource === 'STORAGE' ? ' KiB' : ''}`,
      own: true,
      ...(used >= limit ? { problem: 'the mailbox is full; make room or raise the quota' } : {}),
    }),
  );
}
