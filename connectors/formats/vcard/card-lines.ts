/** The unfolded lines of a vCard, with the ways of 2.1: quoted-printable that goes on, base64 in blocks, nested cards. */
import { byteText, unfoldedLines } from '../icalendar/lines.js';

const ENDS_SOFTLY = /=[ \t]*$/;
const QUOTED_PRINTABLE = /^[^:]*;(?:ENCODING=)?QUOTED-PRINTABLE(?:[;:])/i;
const BASE64 = /^[^:]*;(?:ENCODING=)?"?(?:BASE64|B)"?(?:[;:])/i;
const ONLY_BASE64 = /^[A-Za-z0-9+/=\s]+$/;
const AGENT_WITHOUT_VALUE = /^(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*$/i;

/** Lines as byte text, without blank ones. The card nested in AGENT is one line, its parts divided by LF. */
export function cardLines(body: Buffer): string[] {
  const text = byteText(body);
  if (!/QUOTED-PRINTABLE|BASE64|AGENT|ENCODING=/i.test(text)) return unfoldedLines(text);
  const lines: string[] = [];
  /** Of the line that may still go on. */
  let pieces: string[] = [];
  let softly = false;
  let binary = false;
  for (const line of text.split('\n')) {
    if (softly) {
      const before = pieces.length - 1;
      pieces[before] = (pieces[before] as string).replace(ENDS_SOFTLY, '');
      pieces.push(line);
      softly = ENDS_SOFTLY.test(line);
    } else if (line === '') binary = false;
    else if (pieces.length > 0 && /^[ \t]/.test(line)) {
      pieces.push(binary ? line.trim() : line.slice(1));
    } else if (binary && !line.includes(':') && ONLY_BASE64.test(line)) {
      pieces.push(line.trim());
    } else {
      if (pieces.length > 0) lines.push(pieces.join(''));
      pieces = [line];
      softly = ENDS_SOFTLY.test(line) && QUOTED_PRINTABLE.test(line);
      binary = BASE64.test(line);
    }
  }
  if (pieces.length > 0) lines.push(pieces.join(''));
  return nested(lines);
}

/** Joins the cards inside AGENT to the line that holds them. */
function nested(lines: readonly string[]): string[] {
  const out: string[] = [];
  let depth = 0;
  for (const line of lines) {
    const last = out[out.length - 1];
    const begins = /^BEGIN:VCARD\s*$/i.test(line);
    if (depth > 0) {
      out[out.length - 1] = `${last}\n${line}`;
      if (begins) depth++;
      else if (/^END:VCARD\s*$/i.test(line)) depth--;
    } else if (begins && last !== undefined && AGENT_WITHOUT_VALUE.test(last)) {
      out[out.length - 1] = `${last.trimEnd()}\n${line}`;
      depth = 1;
    } else out.push(line);
  }
  return out;
}
