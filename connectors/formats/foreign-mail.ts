/**
 * Mail that stands among files in a form that is not read here: recognised, so that it is named and not passed over in
 * silence. By the file's name, or by its first bytes.
 */

/** As many first bytes as tell what a file is. */
export const LOOK_BYTES = 4096;

export interface Foreign {
  /** One file is one message: a folder of them is named once. */
  readonly each?: true;
  /** What a folder of them is called in a report, or the file itself. */
  readonly called: string;
  readonly what: string;
  /** What a person can do, as a sentence. */
  readonly next: string;
}

const EMLX: Foreign = {
  each: true,
  called: '*.emlx',
  what: 'messages of Apple Mail (.emlx)',
  next: 'export the mailbox in Apple Mail (Mailbox > Export Mailbox), which writes an mbox file',
};
const EML: Foreign = {
  each: true,
  called: '*.eml',
  what: 'single messages (.eml)',
  next: 'import them into a mail program and export an mbox file, or put them into the cur folder of a Maildir',
};
export const MH: Foreign = {
  each: true,
  called: 'MH messages',
  what: 'numbered messages, as MH and Claws Mail keep them',
  next: 'pack the folder into an mbox file (packf, or an export of the program)',
};
const DBOX: Foreign = {
  each: true,
  called: 'dbox files',
  what: 'messages of Dovecot’s dbox',
  next: 'read them through IMAP, or convert them with dsync',
};
const CYRUS: Foreign = {
  each: true,
  called: 'Cyrus messages',
  what: 'messages of a Cyrus server',
  next: 'read them through IMAP',
};
const OUTLOOK: Omit<Foreign, 'called'> = {
  what: 'a file of Outlook',
  next: 'read the account through IMAP, or export it with readpst',
};
const MESSAGE: Foreign = {
  each: true,
  called: 'single messages',
  what: 'single messages, a file each',
  next: EML.next,
};
const PACKED: Omit<Foreign, 'called'> = { what: 'compressed or archived', next: 'unpack it' };
const DAMAGED: Omit<Foreign, 'called'> = {
  what: 'an mbox file that begins with something else (blank lines, a byte order mark, NUL bytes, a quoted or small "from"), or whose lines do not end in LF',
  next: 'take away what stands before its first "From " line, convert its line ends, or export it again',
};
const ZEROS: Omit<Foreign, 'called'> = {
  what: 'only NUL bytes: damaged',
  next: 'restore it, or take it out of the tree',
};

export const MAILDIR: Foreign = {
  called: 'Maildir',
  what: 'a Maildir',
  next: 'read it with a source of type maildir',
};
export const MBOX: Omit<Foreign, 'called'> = {
  what: 'an mbox file',
  next: 'read it with a source of type mbox',
};

/** By the name alone, where that says enough. */
export function foreignByName(name: string): Foreign | undefined {
  if (/\.emlx$/i.test(name)) return EMLX;
  if (/\.eml$/i.test(name)) return EML;
  if (/^[um]\.\d{1,12}$/.test(name)) return DBOX;
  if (/^\d{1,12}\.$/.test(name)) return CYRUS;
  if (/\.(?:pst|ost|dbx|olm|msg)$/i.test(name)) return { ...OUTLOOK, called: name };
  if (/\.(?:zip|gz|tgz|bz2|xz|zst|lz4|7z|rar|tar)$/i.test(name)) return { ...PACKED, called: name };
  return undefined;
}

/** By its first bytes (`LOOK_BYTES`, or all of them); undefined for what is not mail. */
export function foreignByBytes(name: string, head: Buffer): Foreign | undefined {
  const packed = packing(head);
  if (packed !== undefined) return { ...PACKED, what: packed, called: name };
  if (head.subarray(0, 4).toString('latin1') === '!BDN') return { ...OUTLOOK, called: name };
  const raw = head.toString('latin1');
  if (head.length > 0 && /^\0+$/.test(raw)) return { ...ZEROS, called: name };
  // UTF-16 and blocks of NUL bytes look like text without these; old Macs ended lines with CR alone.
  const text = raw.replaceAll('\0', '').replace(/\r(?!\n)/g, '\n');
  // Wherever a message begins: what stands before it is what keeps the file from being read.
  for (let at = text.indexOf('\n'), from = 0; at !== -1; from = at + 1, at = text.indexOf('\n', from)) {
    const line = text.slice(from, at);
    if (/from /i.test(line) && /\d:\d\d/.test(line) && isMessage(text.slice(at + 1)))
      return { ...DAMAGED, called: name };
  }
  if (!isMessage(text.replace(/^[\0\s\xef\xbb\xbf>]*/, ''))) return undefined;
  return /^\d{1,12}$/.test(name) ? MH : MESSAGE;
}

/** What compressed or encrypted `head`; undefined when nothing did. */
export function packing(head: Buffer): string | undefined {
  return PACKINGS.find(([start]) => head.subarray(0, start.length).equals(start))?.[1];
}

const PACKINGS = (
  [
    ['1f8b', 'compressed (gzip)'],
    ['425a68', 'compressed (bzip2)'],
    ['fd377a585a00', 'compressed (xz)'],
    ['28b52ffd', 'compressed (zstd)'],
    ['04224d18', 'compressed (lz4)'],
    [Buffer.from('Dovecot-LZ4').toString('hex'), 'compressed (lz4)'],
    [Buffer.from('CRYPTED').toString('hex'), 'encrypted (Dovecot mail_crypt)'],
    ['504b0304', 'a zip archive'],
    ['377abcaf271c', 'a 7z archive'],
    [Buffer.from('Rar!').toString('hex'), 'a rar archive'],
  ] as const
).map(([hex, what]) => [Buffer.from(hex, 'hex'), what] as const);

/** Two fields that nearly every message has, among its first lines. */
function isMessage(text: string): boolean {
  const fields = text.matchAll(/^(from|to|subject|date|message-id|received|return-path|mime-version|delivered-to):/gim);
  return /^[!-9;-~]+:/.test(text) && new Set([...fields].map(([, name]) => name?.toLowerCase())).size >= 2;
}
