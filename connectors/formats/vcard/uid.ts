/** Giving a vCard another UID, or a first one. */
import { byteText } from '../icalendar/lines.js';

/** The UID of the card itself, not of one nested in it, becomes this one; nothing else changes but for line ends. */
export function withCardUid(body: Buffer, uid: string): Buffer {
  const lines = byteText(body).split(/\n(?![ \t])/);
  const out: string[] = [];
  let depth = 0;
  let given = false;
  let after = 0;
  for (const line of lines) {
    if (/^BEGIN:VCARD\s*$/i.test(line)) depth++;
    else if (/^END:VCARD\s*$/i.test(line)) depth--;
    if (depth === 1 && /^(?:BEGIN:VCARD\s*|VERSION[:;].*)$/i.test(line)) after = out.length + 1;
    if (depth === 1 && /^(?:[\w-]+\.)?UID[:;]/i.test(line)) {
      if (!given) out.push(`UID:${uid}`);
      given = true;
    } else out.push(line);
  }
  if (!given) out.splice(after, 0, `UID:${uid}`);
  return Buffer.from(out.join('\n').replaceAll('\n', '\r\n'), 'latin1');
}
