/** Line ends as mail files on disk have them. */

/**
 * The message with bare line feeds, as programs that read Maildir and mbox expect. Converted only where
 * converting back gives the same bytes: all lines end in CRLF, and none has another carriage return before.
 */
export function inUnixLines(message: Buffer): Buffer {
  const text = message.toString('latin1');
  if (!text.includes('\r\n') || /(?<!\r)\n|\r\r\n/.test(text)) return message;
  return Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
}

/** How many bytes the message would grow by with CRLF line ends. */
export function bareLineFeedsIn(message: Buffer): number {
  let count = 0;
  for (let at = message.indexOf(10); at !== -1; at = message.indexOf(10, at + 1)) if (message[at - 1] !== 13) count++;
  return count;
}
