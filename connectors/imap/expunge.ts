/** Taking messages away, by the UIDs named and no others; what is named afterwards was not taken away. */
import type { Fault } from '../errors.js';
import type { Command, Piece } from './command.js';
import type { ImapConnection } from './connection.js';
import type { ResponseCode } from './reply.js';
import { searchUids, within } from './search.js';
import { uidSet } from './sequence-set.js';

export interface Expunged {
  readonly fault: Fault | undefined;
  /** What SEARCH names afterwards: it counts, whatever the server said. */
  readonly still: ReadonlySet<number>;
}

export async function expunge(connection: ImapConnection, uids: readonly number[]): Promise<Expunged> {
  const set = uidSet([...uids].sort((a, b) => a - b));
  const [stored, expunged] = await Promise.all([
    attempt(connection, { name: 'UID STORE', pieces: [`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`] }),
    attempt(connection, { name: 'UID EXPUNGE', pieces: [`UID EXPUNGE ${set}`] }),
  ]);
  // Not side by side: Dovecot answers a SEARCH that follows at once from before.
  return { fault: stored.fault ?? expunged.fault, still: await standing(connection, uids) };
}

export async function standing(connection: ImapConnection, uids: readonly number[]): Promise<ReadonlySet<number>> {
  const ascending = [...uids].sort((a, b) => a - b);
  return within(ascending, await searchUids(connection, uidSet(ascending)));
}

/** Runs a command; a refusal is returned, any other fault thrown. */
export async function attempt(
  connection: ImapConnection,
  { name, pieces }: { name: string; pieces: Piece[] },
): Promise<{ fault?: Fault; codes: ResponseCode[] }> {
  const codes: ResponseCode[] = [];
  const command: Command = {
    name,
    phase: 'message',
    pieces,
    onReply: (reply) => void (reply.kind === 'status' && reply.code && codes.push(reply.code)),
  };
  const reply = await connection.execute(command);
  if (reply.code) codes.push(reply.code);
  if (reply.status === 'OK') return { codes };
  const fault = connection.fault(reply, command);
  if (fault.code !== 'refused') throw fault;
  return { fault, codes };
}
