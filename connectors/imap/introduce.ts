/** Who we are, and who the server is (RFC 2971). */
import type { ImapConnection } from './connection.js';
import { redact } from './faults.js';
import { asPairs } from './reply.js';

/**
 * Says who we are, and learns who the server is (RFC 2971): NetEase opens no folder for a client that has not. A server that
 * refuses to be told goes on without.
 */
export async function introduce(connection: ImapConnection): Promise<string | undefined> {
  if (!connection.has('ID')) return undefined;
  let server: string | undefined;
  await connection.execute({
    name: 'ID',
    pieces: ['ID ("name" "Drover" "vendor" "Drover")'],
    onReply(reply) {
      if (reply.kind !== 'data' || reply.name !== 'ID' || !Array.isArray(reply.values[0])) return;
      const pairs = asPairs(reply.values[0]);
      const words = ['NAME', 'VERSION'].map((key) => pairs.get(key)).filter((value) => typeof value === 'string');
      if (words.length > 0) server = redact(words.join(' '), []);
    },
  });
  return server;
}
