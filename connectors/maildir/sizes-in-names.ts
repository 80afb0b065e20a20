/** Dovecot, Courier and we write a message's size into its name: `S=` as it is, `W=` with CRLF line ends. */
import { bareLineFeedsIn } from '../formats/unix-lines.js';

/** The name tells a size, and there is nothing. */
export function isLost(base: string, body: Buffer): boolean {
  return body.length === 0 && /,S=0*[1-9]/.test(base);
}

/** What is to be said of content that has another size than its name tells. Lines may have been converted meanwhile. */
export function sizeNotes(base: string, body: Buffer): string[] {
  const told = [...base.matchAll(/,[SW]=(\d{1,15})(?=,|$)/g)].map(([, size]) => Number(size));
  if (told.length === 0 && body.length === 0) return ['the file is empty'];
  if (told.length === 0 || told.includes(body.length)) return [];
  const withCr = body.length + bareLineFeedsIn(body);
  if (told.includes(withCr) || told.includes(body.length - crlfsIn(body))) return [];
  return [`its name tells ${told[0]} bytes, and it has ${body.length}: it may have been cut or changed`];
}

function crlfsIn(body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf('\r\n'); at !== -1; at = body.indexOf('\r\n', at + 2)) count++;
  return count;
}
