/** One vCard after the other from an export file. */
import { Fault } from '../errors.js';
import { fileLines } from '../icalendar/file-lines.js';

/** A card larger than this is no card; reading on would only fill the memory. */
const MAX_CARD_BYTES = 64 * 1024 * 1024;

const BEGIN = /^BEGIN:VCARD\s*$/i;
const END = /^END:VCARD\s*$/i;
/** The AGENT of vCard 2.1 is a whole card, on the lines after it or right behind its colon. */
const AGENT = /^(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*$/i;
const AGENT_BEGINS = /^(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*BEGIN:VCARD\s*$/i;

/**
 * Cards in the order of the file, with CRLF line ends and otherwise as written. A card inside another (AGENT) stays
 * inside. A card that is not ended stops at the next BEGIN; text between cards comes as a body of its own: neither is
 * dropped, `contactProblem` tells what is wrong with it. Memory: one card. Throws `Fault('refused')` for a card of more
 * than 64 MiB.
 */
export async function* splitCards(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let lines: string[] = [];
  let bytes = 0;
  let depth = 0;
  let before = '';
  const taken = (): Buffer | undefined => {
    const body = lines.some((line) => line.trim() !== '')
      ? Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1')
      : undefined;
    lines = [];
    bytes = 0;
    depth = 0;
    return body;
  };
  for await (const line of fileLines(chunks)) {
    if (BEGIN.test(line)) {
      if (depth > 0 && AGENT.test(before)) depth++;
      else {
        const body = taken();
        if (body) yield body;
        depth = 1;
      }
    } else if (depth > 0 && AGENT_BEGINS.test(line)) depth++;
    lines.push(line);
    bytes += line.length + 2;
    if (bytes > MAX_CARD_BYTES)
      throw new Fault('refused', 'an export file holds a vCard of more than 64 MiB', {
        next: 'look for a line BEGIN:VCARD without END:VCARD, and split the file there',
      });
    if (END.test(line) && depth > 0 && --depth === 0) {
      const body = taken();
      if (body) yield body;
    }
    if (line.trim() !== '') before = line;
  }
  const body = taken();
  if (body) yield body;
}
