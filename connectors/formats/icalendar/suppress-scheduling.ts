/**
 * Keeping servers from mailing attendees. A scheduling server (RFC 6638) sends invitations for whatever an organiser
 * stores, unless ORGANIZER and ATTENDEE say that the client does so: `SCHEDULE-AGENT=CLIENT` (7.1).
 */
import { byteText, foldedLine, parsedLine, unfoldedLines } from './lines.js';

const ADDED = ';SCHEDULE-AGENT=CLIENT';
const QUIET_BY_ITSELF = ['CLIENT', 'NONE'];
/** As `suppressScheduling` adds it: right behind the name, perhaps with a fold after it. */
const AS_ADDED = /^([^;:]*);SCHEDULE-AGENT=CLIENT(?:\r?\n )?(?=[;:])/i;

/** Whether a scheduling server could send mail for it: an entry (not only an alarm) has ORGANIZER and ATTENDEE. */
export function invites(body: Buffer): boolean {
  let organised = false;
  let attended = false;
  let alarms = 0;
  for (const line of unfoldedLines(byteText(body))) {
    if (/^(?:BEGIN|END):VALARM\s*$/i.test(line)) alarms += /^B/i.test(line) ? 1 : -1;
    else if (alarms > 0) continue;
    else if (/^ORGANIZER[;:]/i.test(line)) organised = true;
    else if (/^ATTENDEE[;:]/i.test(line)) attended = true;
    if (organised && attended) return true;
  }
  return false;
}

/**
 * The same object with `SCHEDULE-AGENT=CLIENT` at ORGANIZER and at each ATTENDEE of an entry, where they do not say
 * CLIENT or NONE already; nothing else changes by a byte. What invites nobody is returned as it is.
 */
export function suppressScheduling(body: Buffer): Buffer {
  if (!invites(body)) return body;
  return withAddresses(body, (written, unfolded) => {
    const agent = parsedLine(unfolded)?.params.find((param) => param.name === 'SCHEDULE-AGENT')?.values[0];
    if (agent !== undefined && QUIET_BY_ITSELF.includes(agent.toUpperCase())) return written;
    if (agent !== undefined) return foldedLine(withoutAgent(unfolded).replace(/(?=[;:])/, ADDED));
    const at = written.search(/[;:]/);
    const head = written.slice(0, at);
    const rest = written.slice(at);
    const firstLine = head.length + ADDED.length + (rest.split('\r\n', 1)[0] as string).length;
    return `${head}${ADDED}${firstLine > 75 ? '\r\n ' : ''}${rest}`;
  });
}

/**
 * Takes `SCHEDULE-AGENT=CLIENT` away again, wherever a server has put it among the parameters. The inverse of `suppressScheduling`
 * but for objects that said so of themselves: CLIENT then becomes the default, which digests do not tell apart.
 */
export function restoreScheduling(body: Buffer): Buffer {
  return withAddresses(body, (written, unfolded) => {
    const agent = parsedLine(unfolded)?.params.find((param) => param.name === 'SCHEDULE-AGENT')?.values[0];
    if (agent?.toUpperCase() !== 'CLIENT') return written;
    if (AS_ADDED.test(written)) return written.replace(AS_ADDED, '$1');
    return foldedLine(withoutAgent(unfolded));
  });
}

/** The unfolded line without its parameter SCHEDULE-AGENT; what stands in quotes is not touched. */
function withoutAgent(line: string): string {
  const at = line.split(/("[^"]*")/);
  let from = 0;
  for (const [part, text] of at.entries()) {
    // Every second part is in quotes.
    const agent = part % 2 === 1 ? -1 : text.search(/;SCHEDULE-AGENT=/i);
    const colon = part % 2 === 1 ? -1 : text.indexOf(':');
    if (agent !== -1 && (colon === -1 || agent < colon)) {
      const rest = line.slice(from + agent + 1);
      const end = /^[^;:,"]*(?:"[^"]*")?(?=[;:])/.exec(rest)?.[0].length;
      return end === undefined ? line : line.slice(0, from + agent) + rest.slice(end);
    }
    if (colon !== -1) return line;
    from += text.length;
  }
  return line;
}

/** Rewrites the ORGANIZER and ATTENDEE lines of entries; all other bytes stay. */
function withAddresses(body: Buffer, rewrite: (written: string, unfolded: string) => string): Buffer {
  const text = body.toString('latin1');
  let alarms = 0;
  let changed = false;
  const out = text.replace(/^[^\r\n \t][^\n]*(?:\n[ \t][^\n]*)*/gm, (matched) => {
    const ended = matched.endsWith('\r') ? '\r' : '';
    const written = ended ? matched.slice(0, -1) : matched;
    if (/^(?:BEGIN|END):VALARM\s*$/i.test(written)) alarms += /^B/i.test(written) ? 1 : -1;
    const initial = written[0] as string;
    if (alarms > 0 || !'OoAa'.includes(initial)) return matched;
    const unfolded = written.replace(/\r?\n[ \t]/g, '');
    if (!/^(?:ORGANIZER|ATTENDEE)[;:]/i.test(unfolded)) return matched;
    const rewritten = rewrite(written, unfolded);
    if (rewritten === written) return matched;
    changed = true;
    return rewritten + ended;
  });
  return changed ? Buffer.from(out, 'latin1') : body;
}
