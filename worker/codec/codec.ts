/**
 * Encrypts what Temporal stores: inputs, results, signals, memo, failures. AES-256-GCM (NIST SP 800-38D) with
 * a random 96-bit nonce a payload; the payload's own metadata is inside.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { Key, Keys } from './keys.js';

/** The same names that Temporal's samples use, so that other tools recognise an encrypted payload. */
const ENCODING = 'binary/encrypted';
const CIPHER = 'AES-256-GCM';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The first key encrypts; any decrypts, which is what makes rotation possible. Payloads that are not
 * encrypted pass through, so that encryption can be switched on while migrations run.
 */
export function createCodec(keys: Keys): PayloadCodec {
  const byId = new Map(keys.map((key) => [key.id, key]));
  return {
    encode: async (payloads) => payloads.map((payload) => encrypt(payload, keys[0])),
    decode: async (payloads) =>
      payloads.map((payload) => (text(payload.metadata?.encoding) === ENCODING ? decrypt(payload, byId) : payload)),
  };
}

function encrypt(payload: Payload, key: Key): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce);
  cipher.setAAD(Buffer.from(key.id));
  const sealed = Buffer.concat([nonce, cipher.update(pack(payload)), cipher.final(), cipher.getAuthTag()]);
  return {
    metadata: {
      encoding: Buffer.from(ENCODING),
      'encryption-cipher': Buffer.from(CIPHER),
      'encryption-key-id': Buffer.from(key.id),
    },
    data: sealed,
  };
}

function decrypt(payload: Payload, keys: ReadonlyMap<string, Key>): Payload {
  const id = text(payload.metadata?.['encryption-key-id']);
  const key = keys.get(id);
  if (key === undefined) {
    throw new Error(
      `a payload is encrypted with key "${id}", which the keys file does not hold: add that key below the first line`,
    );
  }
  const sealed = Buffer.from(payload.data ?? new Uint8Array());
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error(`a payload encrypted with key "${id}" is cut short`);
  const decipher = createDecipheriv('aes-256-gcm', key.secret, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(id));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return unpack(Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
  } catch (error) {
    throw new Error(
      `a payload does not open with key "${id}": the keys file holds another key under that name, or the payload was altered`,
      {
        cause: error,
      },
    );
  }
}

/** The length of the metadata as 32 bits, the metadata as JSON, the data. */
function pack(payload: Payload): Buffer {
  const entries = Object.entries(payload.metadata ?? {}).map(([name, value]) => [
    name,
    Buffer.from(value).toString('base64'),
  ]);
  const metadata = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(metadata.length);
  return Buffer.concat([length, metadata, payload.data ?? new Uint8Array()]);
}

function unpack(packed: Buffer): Payload {
  const end = 4 + packed.readUInt32BE(0);
  const metadata = JSON.parse(packed.toString('utf8', 4, end)) as Record<string, string>;
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: packed.subarray(end),
  };
}

function text(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
