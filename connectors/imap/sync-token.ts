/** Container tokens: what makes two states of a folder equal, and what changed between two (RFC 7162). */
import type { Container } from '../contract.js';
import { Fault } from '../errors.js';
import type { ImapConnection } from './connection.js';
import type { FolderStatus } from './folders.js';
import type { DataReply, StatusReply } from './reply.js';
import { asPairs, asText } from './reply.js';
import type { Range } from './search.js';
import { between, countOf, merged, takeCensus, without } from './search.js';
import { ranges } from './sequence-set.js';
import type { ImapSession } from './session.js';

interface Token {
  readonly validity: string;
  readonly uidNext: number;
  readonly modSeq: string;
  readonly messages: number;
}

/** Undefined without modification sequences: nothing else would tell a change of flags. */
export function tokenOf({ validity, uidNext, modSeq, messages }: FolderStatus): string | undefined {
  return modSeq === undefined ? undefined : JSON.stringify({ validity, uidNext, modSeq, messages } satisfies Token);
}

/** Throws `Fault('cursor-lost')` for what is not a token of this folder's validity. */
export function parseToken(text: string, container: Container): Token {
  const token = readToken(text);
  if (token && token.validity === container.validity) return token;
  throw lost(token ? 'the folder was rebuilt since' : 'the token is not one of ours');
}

function readToken(text: string): Token | undefined {
  try {
    const { validity, uidNext, modSeq, messages } = JSON.parse(text) as Partial<Record<keyof Token, unknown>>;
    if (typeof validity !== 'string' || typeof uidNext !== 'number' || typeof messages !== 'number') return undefined;
    return typeof modSeq === 'string' && /^\d+$/.test(modSeq) ? { validity, uidNext, modSeq, messages } : undefined;
  } catch {
    // Not JSON: a token of another connector or another age.
    return undefined;
  }
}

/**
 * What is new or differs, and what is gone, in the selected folder. With QRESYNC the server tells both; what it calls gone
 * and SEARCH still names is not. Throws `Fault('cursor-lost')` when the counts say that it does not tell all: with CONDSTORE
 * alone it cannot tell what is gone.
 */
export async function changedUids(
  connection: ImapConnection,
  session: ImapSession,
  token: Token,
  path: string,
): Promise<{ changed: Range[]; gone: Range[] }> {
  if (!connection.has('CONDSTORE') && !connection.has('QRESYNC')) throw lost('the server no longer tracks changes');
  const vanished = session.enabled('QRESYNC') ? ' VANISHED' : '';
  const changed: Range[] = [];
  const told: Range[] = [];
  const asked = connection.run({
    name: 'UID FETCH',
    pieces: [`UID FETCH 1:* (UID) (CHANGEDSINCE ${token.modSeq}${vanished})`],
    onReply(reply) {
      const uid = changedUid(reply);
      if (uid !== undefined) changed.push([uid, uid]);
      if (reply.kind === 'data' && reply.name === 'VANISHED') {
        for (const range of ranges(asText(reply.values[reply.values.length - 1]))) told.push(range);
      }
    },
  });
  const [census] = await Promise.all([takeCensus(connection, path), asked]);
  if (census.short) throw lost(census.short.message);
  const { uids } = census;
  const fresh = between(uids, token.uidNext, Number.POSITIVE_INFINITY);
  // What came after the token was never told to anyone; servers name it all the same.
  const gone = without(between(merged(told), 1, token.uidNext - 1), uids);
  const left = token.messages - (countOf(uids) - countOf(fresh));
  if (left < 0 || left > countOf(gone)) {
    throw lost(`messages were removed, and the server does not tell which${vanished ? '' : ' (no QRESYNC)'}`);
  }
  if (countOf(gone) > Math.max(FEW_GONE, 10 * token.messages))
    throw lost('the server names more as gone than was there');
  return { changed: merged([...changed, ...fresh]), gone };
}

/** So many are looked for one by one; beyond, a listing is quicker. */
const FEW_GONE = 10_000;

function changedUid(reply: DataReply | StatusReply): number | undefined {
  if (reply.kind !== 'data' || reply.name !== 'FETCH') return undefined;
  const uid = asPairs(reply.values[0]).get('UID');
  return uid === undefined ? undefined : Number(asText(uid));
}

function lost(why: string): Fault {
  return new Fault('cursor-lost', `changes cannot be asked for: ${why}`, { next: 'list the folder instead' });
}
