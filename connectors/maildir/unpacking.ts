/**
 * Dovecot's zlib plugin compresses message files, and its mail_crypt plugin encrypts them, without a trace in their
 * names. gzip is undone here; what else is not mail is refused by name.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { packing } from '../formats/foreign-mail.js';
import { isOnlyNuls } from '../formats/mail-damage.js';

const MOST_BYTES = 512 * 1024 * 1024;
const GZIP = 'compressed (gzip)';

const gunzipped = promisify(gunzip);

export async function unpackedMail(
  stored: Buffer,
): Promise<{ readonly body: Buffer } | { readonly unreadable: string }> {
  if (isOnlyNuls(stored)) return { unreadable: 'it holds nothing but NUL bytes: the message was lost before' };
  const packed = packing(stored);
  if (packed === undefined) return { body: stored };
  if (packed !== GZIP) return { unreadable: `the file is ${packed}: ${ADVICE}` };
  try {
    const body = await gunzipped(stored, { maxOutputLength: MOST_BYTES });
    const inner = packing(body);
    return inner === undefined ? { body } : { unreadable: `the file is ${packed}, and in it ${inner}: ${ADVICE}` };
  } catch {
    return { unreadable: `the file is ${packed} and damaged, or of more than 512 MiB: restore it` };
  }
}

const ADVICE = 'read the account through IMAP, or convert the Maildir with dsync';
