/** The standard form of kind `contacts` between source and target, and the one definition of equality. */
import { createHash } from 'node:crypto';
import type { Digest } from './contract.js';

/** One vCard (2.1, 3.0 or 4.0) as the source gave it. */
export type Contact = Buffer;

export function digestContact(body: Contact): Digest {
  return createHash('sha256').update(body).digest('hex');
}

export function contactIdentities(body: Contact, by: readonly string[]): string[] {
  const text = body.toString();
  const uid = by.includes('uid') ? /^UID:(.*?)\r?$/m.exec(text)?.[1] : undefined;
  const emails = by.includes('email') ? [...text.matchAll(/^EMAIL[^:]*:(.*?)\r?$/gm)].map((m) => m[1] as string) : [];
  return [...(uid ? [`uid:${uid}`] : []), ...emails.map((email) => `email:${email.trim().toLowerCase()}`)];
}

export function contactModified(body: Contact): number | undefined {
  const at = Date.parse(/^REV:(.*?)\r?$/m.exec(body.toString())?.[1] ?? '');
  return Number.isNaN(at) ? undefined : at;
}

export function renewedContact(body: Contact): Contact {
  const uid = digestContact(body).slice(0, 32);
  return Buffer.from(body.toString().replace(/^UID:.*?(\r?)$/gm, `UID:${uid}$1`));
}
