/** What an account may hold (RFC 9208). */
import type { Room } from '../contract.js';
import type { ImapConnection } from './connection.js';
import type { DataReply } from './reply.js';
import { asList, asText } from './reply.js';

export interface Quota {
  /** E.g. `STORAGE`, in upper case. */
  readonly resource: string;
  readonly used: number;
  readonly limit: number;
}

/** Of the inbox's quota roots; undefined where the server has quotas and does not tell of them. */
export async function quotasOf(connection: ImapConnection): Promise<readonly Quota[] | undefined> {
  if (!connection.has('QUOTA')) return [];
  const replies: DataReply[] = [];
  const reply = await connection.execute({
    name: 'GETQUOTAROOT',
    pieces: ['GETQUOTAROOT INBOX'],
    onReply: (reply) => void (reply.kind === 'data' && reply.name === 'QUOTA' && replies.push(reply)),
  });
  if (reply.status !== 'OK') return undefined;
  return replies.flatMap(({ values }) => triples(asList(values[1]).map(asText)));
}

/** STORAGE counts units of 1024 bytes (RFC 9208, section 5.1). Of several roots the fullest decides. */
export async function roomIn(connection: ImapConnection): Promise<Room | undefined> {
  const left = ((await quotasOf(connection)) ?? [])
    .filter(({ resource }) => resource === 'STORAGE')
    .map(({ used, limit }) => Math.max(0, limit - used) * 1024)
    .filter(Number.isFinite);
  return left.length === 0 ? undefined : { bytes: Math.min(...left) };
}

/** Resource, use and limit, one behind the other (RFC 9208, section 4.2). */
function triples(words: readonly string[]): Quota[] {
  const found: Quota[] = [];
  for (let at = 0; at + 2 < words.length; at += 3) {
    const [resource = '', used = '', limit = ''] = words.slice(at, at + 3);
    found.push({ resource: resource.toUpperCase(), used: Number(used), limit: Number(limit) });
  }
  return found;
}
