/**
 * What people type in the Web UI, or send with other tools, must not stop a workflow: Temporal's SDK fails the workflow's
 * task over an input that it cannot read, and tries that again for ever. So a worker reads it as a text that no handler
 * takes for a command. What is encrypted with a key that this worker lacks is no slip of anybody's hand: it stays.
 */
import type { Payload, PayloadCodec } from '@temporalio/common';

/** Those that Temporal's SDK reads by itself, and what the codec of encryption has left. */
const READ: ReadonlySet<string> = new Set(['binary/null', 'binary/plain', 'binary/encrypted']);
/** The Web UI offers both for the same text. */
const JSONS: ReadonlySet<string> = new Set(['json/plain', 'json/protobuf']);

const payload = (encoding: string, data: Uint8Array): Payload => ({
  metadata: { encoding: Buffer.from(encoding) },
  data,
});
const UNREADABLE = payload('json/plain', Buffer.from('"an input that cannot be read"'));

export const typedByHand: PayloadCodec = {
  encode: async (payloads) => payloads,
  decode: async (payloads) => payloads.map(readable),
};

function readable(given: Payload): Payload {
  const encoding = Buffer.from(given.metadata?.encoding ?? []).toString('utf8');
  if (READ.has(encoding)) return given;
  const data = Buffer.from(given.data ?? []);
  if (!JSONS.has(encoding) || !isJson(data)) return UNREADABLE;
  return encoding === 'json/plain' ? given : payload('json/plain', data);
}

function isJson(data: Buffer): boolean {
  try {
    JSON.parse(data.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
