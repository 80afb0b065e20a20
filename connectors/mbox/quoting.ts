/** How lines that begin with "From " are protected inside a message: mboxrd and mboxo. */

const FROM = Buffer.from('From ');
const QUOTED = Buffer.from('>From ');
const LF = 10;
const QUOTE = 0x3e;

/** mboxrd: one more `>` before each line that begins with any number of `>` and "From ". */
export function quoted(message: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = message.indexOf(FROM); at !== -1; at = message.indexOf(FROM, at + 1)) {
    const line = quotesBefore(message, at);
    if (line === undefined) continue;
    parts.push(message.subarray(from, line), Buffer.from('>'));
    from = line;
  }
  return parts.length === 0 ? message : Buffer.concat([...parts, message.subarray(from)]);
}

/** Takes one `>` away; with mboxo only where there is just one, since mboxo never adds a second. */
export function unquoted(message: Buffer, dialect: 'mboxrd' | 'mboxo'): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = message.indexOf(QUOTED); at !== -1; at = message.indexOf(QUOTED, at + 1)) {
    const line = quotesBefore(message, at);
    if (line === undefined || (dialect === 'mboxo' && line !== at)) continue;
    parts.push(message.subarray(from, line));
    from = line + 1;
  }
  return parts.length === 0 ? message : Buffer.concat([...parts, message.subarray(from)]);
}

/** The start of the line that holds only `>` before `at`; undefined when it holds something else. */
function quotesBefore(message: Buffer, at: number): number | undefined {
  let start = at;
  while (start > 0 && message[start - 1] === QUOTE) start--;
  return start === 0 || message[start - 1] === LF ? start : undefined;
}
