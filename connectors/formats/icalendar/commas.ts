/**
 * Keeping values whole on servers built on python-vobject (Radicale): vobject 0.9 reads most properties as a list of
 * texts and keeps the first, so that `X-APPLE-STRUCTURED-LOCATION:geo:52.52,13.4` comes back as `geo:52.52`, and a photo
 * in a data URI as nothing. A comma that is escaped survives. Measured with Radicale 3.1.8 and vobject 0.9.6.
 */
import type { Fitted } from '../../contract.js';
import { byteText, foldedLine, parsedLine } from './lines.js';
import { escapedText, logicalLines, rejoined } from './mending.js';

/**
 * What vobject keeps whole, seen by trying; dates and rules it reads by themselves. A TZID with backslashes is not a zone to it
 * any more: a series with an EXDATE is then refused.
 */
const KEPT_IN_CALENDARS =
  /^(?:ATTACH|ATTENDEE|CATEGORIES|GEO|ORGANIZER|REQUEST-STATUS|RESOURCES|TZID|URL|RRULE|EXRULE|RDATE|EXDATE|FREEBUSY|BEGIN|END)$/;
const KEPT_IN_CARDS = /^(?:ADR|CATEGORIES|N|BEGIN|END)$/;

/**
 * The object or card (3.0 or 4.0) with each bare comma escaped where such a server would cut the value; nothing else
 * changes by a byte, and what has none comes back as the same buffer. The digest does not see it, but for NICKNAME: a
 * list becomes one text, with a note.
 */
export function withEscapedCommas(body: Buffer): Fitted<Buffer> {
  const text = byteText(body);
  const card = /^\s*BEGIN:VCARD/i.test(text);
  const kept = card ? KEPT_IN_CARDS : KEPT_IN_CALENDARS;
  const notes = new Set<string>();
  let changed = false;
  const lines = logicalLines(text).map((line) => {
    const parsed = line.line.includes(',') ? parsedLine(line.line) : undefined;
    if (!parsed || kept.test(parsed.name) || isBase64(parsed.params)) return line;
    const escaped = escapedText(parsed.value, ',');
    if (escaped === parsed.value) return line;
    if (card && parsed.name === 'NICKNAME')
      notes.add('NICKNAME: several were joined to one, as the server keeps only the first');
    changed = true;
    const whole = line.line.slice(0, line.line.length - parsed.value.length) + escaped;
    return { line: whole, written: foldedLine(whole).replaceAll('\r\n', '\n') };
  });
  if (!changed) return { body };
  return { body: rejoined(lines), ...(notes.size > 0 ? { notes: [...notes] } : {}) };
}

const isBase64 = (params: readonly { readonly name: string; readonly values: readonly string[] }[]): boolean =>
  params.some((param) => param.name === 'ENCODING' && /^(?:B|BASE64)$/i.test(param.values[0] ?? ''));
