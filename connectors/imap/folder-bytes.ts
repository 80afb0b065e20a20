/** How many bytes a folder holds, where the server has summed them already. */
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
import { asPairs, asText } from './reply.js';

/** RFC 8438, section 2, part of RFC 9051. Undefined where the server cannot tell, or does not of this folder. */
export async function folderBytes(connection: ImapConnection, raw: string): Promise<number | undefined> {
  if (!connection.has('STATUS=SIZE') && !connection.has('IMAP4REV2')) return undefined;
  let bytes: number | undefined;
  await connection.execute({
    name: 'STATUS',
    pieces: ['STATUS ', astring(raw), ' (SIZE)'],
    onReply(reply) {
      if (reply.kind !== 'data' || reply.name !== 'STATUS') return;
      const size = Number(asText(asPairs(reply.values[1]).get('SIZE') ?? ''));
      if (Number.isSafeInteger(size) && size >= 0) bytes = size;
    },
  });
  return bytes;
}
