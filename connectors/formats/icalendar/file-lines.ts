/** The lines of an export file while it streams in: byte text, without line ends, folded as written. */
import { utf8Chunks } from './charset.js';

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
/** What is longer is not an item; reading on would only fill the memory. */
export const MAX_ITEM_BYTES = 64 * 1024 * 1024;

export const TOO_LARGE =
  'it is larger than 64 MiB, or has no end: look for its BEGIN without an END, or take out what is so large';

/** Lines end as in `byteText`. Memory: one line and one chunk; what a line has beyond 64 MiB is left out. */
export async function* fileLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pieces: string[] = [];
  let bytes = 0;
  /** CRs at the end of what was read, 2 for more: a LF that follows belongs to them. */
  let returns = 0;
  const taken = (end: string): string => {
    const line = pieces.length === 0 ? end : pieces.join('') + end;
    pieces = [];
    bytes = 0;
    return line.startsWith(BYTE_ORDER_MARK) ? line.slice(BYTE_ORDER_MARK.length) : line;
  };
  for await (const chunk of utf8Chunks(chunks)) {
    const text = chunk.toString('latin1');
    let from = 0;
    let feed = text.indexOf('\n');
    let cr = text.indexOf('\r');
    while (from < text.length) {
      if (returns > 0) {
        if (text[from] === '\r') {
          returns = 2;
          from++;
          continue;
        }
        yield taken('');
        if (text[from] === '\n') from++;
        else if (returns > 1) yield '';
        returns = 0;
        continue;
      }
      if (feed !== -1 && feed < from) feed = text.indexOf('\n', from);
      if (cr !== -1 && cr < from) cr = text.indexOf('\r', from);
      const end = cr !== -1 && (feed === -1 || cr < feed) ? cr : feed;
      if (end === -1) break;
      if (end === feed) yield taken(text.slice(from, end));
      else {
        pieces.push(text.slice(from, end));
        returns = 1;
      }
      from = end + 1;
    }
    if (from >= text.length) continue;
    if (bytes <= MAX_ITEM_BYTES) pieces.push(text.slice(from));
    bytes += text.length - from;
  }
  if (pieces.length > 0 || returns > 0) yield taken('');
}
