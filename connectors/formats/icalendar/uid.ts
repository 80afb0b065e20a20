/** Giving a calendar object another UID, or a first one. */
import { byteText, parsedLine } from './lines.js';

/** All entries (not alarms and the like inside them) get this UID; nothing else changes by a byte, but for odd line ends. */
export function withUid(body: Buffer, uid: string): Buffer {
  const written = body.toString('latin1');
  const plain = byteText(body);
  const lines = (written.replaceAll('\r\n', '\n') === plain ? written : plain).split(/\n(?![ \t])/);
  const end = lines[0]?.endsWith('\r') ? '\r' : '';
  const out: string[] = [];
  const stack: { name: string; at: number; hasUid: boolean }[] = [];
  for (const line of lines) {
    const parsed = parsedLine(line.replace(/\r?\n[ \t]/g, '').trimEnd());
    const entry = stack[stack.length - 1];
    const isEntry =
      entry !== undefined && stack.every((open, at) => at === stack.length - 1 || open.name === 'VCALENDAR');
    if (parsed?.name === 'BEGIN')
      stack.push({ name: parsed.value.trim().toUpperCase(), at: out.length, hasUid: false });
    else if (parsed?.name === 'END') {
      stack.pop();
      if (isEntry && !entry.hasUid && entry.name !== 'VCALENDAR' && entry.name !== 'VTIMEZONE')
        out.splice(entry.at + 1, 0, `UID:${uid}${end}`);
    } else if (parsed?.name === 'UID' && isEntry && entry.name !== 'VCALENDAR') {
      entry.hasUid = true;
      out.push(`UID:${uid}${line.endsWith('\r') ? '\r' : ''}`);
      continue;
    }
    out.push(line);
  }
  return Buffer.from(out.join('\n'), 'latin1');
}
