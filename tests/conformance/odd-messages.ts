/** Messages as real mailboxes hold them: each broke some tool. */

const headers = 'From: a@example.org\r\nTo: b@example.org\r\nSubject: trial\r\n';

function message(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** A plain message; different for each `mark`. */
export function plain(mark: string | number): Buffer {
  return message(`${headers}Message-ID: <${mark}@example.org>\r\n\r\nThis is message ${mark}.\r\n`);
}

/** A message of about `bytes` bytes in lines of 76. */
export function large(bytes: number): Buffer {
  const line = `${'QUJD'.repeat(19)}\r\n`;
  return message(`${headers}\r\n${line.repeat(Math.ceil(bytes / line.length))}`);
}

export const odd = {
  eightBitHeader: message('From: J\xfcrgen <j@example.org>\r\nSubject: Gr\xfc\xdfe\r\n\r\nbody\r\n'),
  eightBitBody: Buffer.from(`${headers}Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße aus Ålesund 日本語\r\n`),
  allBytes: Buffer.concat([
    message(`${headers}\r\n`),
    Buffer.from(Array.from({ length: 255 }, (_, n) => n + 1).filter((n) => n !== 10 && n !== 13)),
    message('\r\n'),
  ]),
  nul: message(`${headers}\r\nbefore\0after\0\0\r\n`),
  bareLf: message(`${headers}\r\none\ntwo\r\nthree\n`),
  onlyLf: message(`${headers}\r\none\n\ntwo\n`.replaceAll('\r\n', '\n')),
  loneCr: message(`${headers}\r\none\rtwo\r\r\nthree\r\n`),
  noFinalNewline: message(`${headers}\r\nno newline at the end`),
  endsInCr: message(`${headers}\r\nends in a carriage return\r`),
  blankLinesAtEnd: message(`${headers}\r\nbody\r\n\r\n\r\n`),
  headersOnly: message(headers),
  fromLines: message(
    `${headers}\r\nFrom here on\r\n\r\nFrom a@example.org Thu Jan  1 00:00:00 1970\r\n>From quoted\r\n>>From twice\r\nFrom\r\n`,
  ),
  fromFirst: message('From a@example.org Thu Jan  1 00:00:00 1970\r\nSubject: begins like an mbox\r\n\r\nbody\r\n'),
  dots: message(`${headers}\r\n.\r\n..\r\n.hidden\r\n`),
  longLine: message(`${headers}\r\n${'x'.repeat(70_000)}\r\n`),
  longHeader: message(`${headers}References: ${'<id@example.org> '.repeat(3000)}\r\n\r\nbody\r\n`),
  noHeaders: message('\r\nonly a body\r\n'),
  notHeaders: message('this is no header\r\nneither: is this one ok\r\n: nor this\r\n\r\nbody\r\n'),
  brokenFolding: message(' folded before any header\r\nSubject: x\r\n\ty\r\n \r\n\r\nbody\r\n'),
  statusHeaders: message(
    `${headers}Status: RO\r\nX-Status: A\r\nX-Keywords: one two\r\nContent-Length: 3\r\n\r\nlonger than it says\r\n`,
  ),
} as const;
