/** The keys payloads are encrypted with, from a file that only the worker, the command and the codec server read. */
import { readFile } from 'node:fs/promises';

export interface Key {
  /** Stands in clear beside each payload, to find the key again. */
  readonly id: string;
  /** 32 bytes: AES-256. */
  readonly secret: Buffer;
}

/** At least one; the first encrypts, all decrypt. */
export type Keys = readonly [Key, ...Key[]];

export const KEYS_FORMAT = 'one `id:key` a line, the key being 32 bytes in base64 (`openssl rand -base64 32`)';

/** Reads a keys file. Throws an error that names file and line, never a key. */
export async function readKeys(file: string): Promise<Keys> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(
      `the encryption keys in ${file} cannot be read (${(error as NodeJS.ErrnoException).code}): ${KEYS_FORMAT}`,
    );
  }
  return parseKeys(text, file);
}

export function parseKeys(text: string, file: string): Keys {
  const keys: Key[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const at = `${file}:${index + 1}`;
    const colon = line.indexOf(':');
    const id = line.slice(0, Math.max(colon, 0)).trim();
    const encoded = line.slice(colon + 1).trim();
    if (!/^[\w.-]{1,64}$/.test(id))
      throw new Error(`${at}: a key needs a name of letters, digits, dots and dashes: ${KEYS_FORMAT}`);
    const secret = Buffer.from(encoded, 'base64');
    if (secret.length !== 32 || !/^[A-Za-z0-9+/]{43}=$/.test(encoded)) {
      throw new Error(`${at}: key ${id} is not 32 bytes in base64: make one with \`openssl rand -base64 32\``);
    }
    if (keys.some((key) => key.id === id))
      throw new Error(`${at}: key ${id} is there twice: give the new key a new name`);
    keys.push({ id, secret });
  }
  const [first, ...rest] = keys;
  if (first === undefined) throw new Error(`${file} holds no key: write ${KEYS_FORMAT}`);
  return [first, ...rest];
}
