/** One vCard after the other from an export file. */
import { fileLines, MAX_ITEM_BYTES } from '../icalendar/file-lines.js';

export const TOO_LARGE = 'too large';

const BEGIN = /^BEGIN:VCARD\s*$/i;
const END = /^END:VCARD\s*$/i;
/** The AGENT of vCard 2.1 is a whole card, on the lines after it or right behind its colon. */
const AGENT = /^(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*$/i;
const AGENT_BEGINS = /^(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*BEGIN:VCARD\s*$/i;

/**
 * Cards in the order of the file, with CRLF line ends and otherwise as written. A card inside another (AGENT) stays
 * inside. A card that is not ended stops at the next BEGIN; text between cards comes as a body of its own: neither is
 * dropped, `contactProblem` tells what is wrong with it. Memory: one card. In the place of a card of more than `most` bytes
 * comes `too large`.
 */
export async function* splitCards(
  chunks: AsyncIterable<Buffer>,
  most = MAX_ITEM_BYTES,
): AsyncGenerator<Buffer | typeof TOO_LARGE> {
  let lines: string[] = [];
  let bytes = 0;
  let depth = 0;
  let before = '';
  const taken = (): Buffer | typeof TOO_LARGE | undefined => {
    const some = lines.some((line) => line.trim() !== '');
    const body = bytes > most ? TOO_LARGE : some ? Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1') : undefined;
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
    bytes += line.length + 2;
    if (bytes <= most) lines.push(line);
    else lines = [];
    if (END.test(line) && depth > 0 && --depth === 0) {
      const body = taken();
      if (body) yield body;
    }
    if (line.trim() !== '') before = line;
  }
  const body = taken();
  if (body) yield body;
}
