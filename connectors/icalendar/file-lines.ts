/** The lines of an export file while it streams in: byte text, without line ends, folded as written. */

const LF = 10;

/** Memory: one line and one chunk. */
export async function* fileLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let first = true;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      const end = chunk.subarray(from, at);
      yield withoutMarks(rest.length === 0 ? end : Buffer.concat([...rest, end]), first);
      first = false;
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(Buffer.from(chunk.subarray(from)));
  }
  if (rest.length > 0) yield withoutMarks(Buffer.concat(rest), first);
}

/** Without the byte order mark of a file and the CR of a line end. */
function withoutMarks(line: Buffer, first: boolean): string {
  const text = line.toString('latin1');
  const unmarked = first && text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text;
  return unmarked.endsWith('\r') ? unmarked.slice(0, -1) : unmarked;
}
