/** Flags and keywords as programs write them into headers of messages in mbox files. */

export interface HeaderFlags {
  readonly flags: readonly string[];
  /** Thunderbird marks deleted messages, and takes them out of the file only when it compacts. */
  readonly expunged: boolean;
}

const STATUS: Readonly<Record<string, string>> = { R: '\\Seen' };
/** Dovecot, UW IMAP, mutt. `D`, for deletion, is not moved. */
const X_STATUS: Readonly<Record<string, string>> = { A: '\\Answered', F: '\\Flagged', T: '\\Draft' };
/** Thunderbird, bits of X-Mozilla-Status (nsMsgMessageFlags.h). */
const MOZILLA = [
  [0x0001, '\\Seen'],
  [0x0002, '\\Answered'],
  [0x0004, '\\Flagged'],
  [0x1000, '$Forwarded'],
] as const;
const MOZILLA_EXPUNGED = 0x0008;
/** Google Takeout: labels that are flags, or say where a message is. The others are people's own. */
const GMAIL_FLAGS: Readonly<Record<string, string>> = {
  Starred: '\\Flagged',
  Draft: '\\Draft',
  Drafts: '\\Draft',
  Important: '$Important',
  Spam: '$Junk',
};
const GMAIL_PLACES = /^(?:Inbox|Sent|Sent Mail|Archived|Opened|Unread|Trash|Chat|Category .*)$/;

/** `header`: the header block as bytes in latin1, without the blank line. */
export function headerFlags(header: string): HeaderFlags {
  const fields = fieldsOf(header);
  const flags = new Set<string>();
  const letters = (text: string | undefined, meanings: Readonly<Record<string, string>>) => {
    for (const letter of text ?? '') if (meanings[letter]) flags.add(meanings[letter]);
  };
  letters(fields.get('status'), STATUS);
  letters(fields.get('x-status'), X_STATUS);
  const mozilla = Number.parseInt(fields.get('x-mozilla-status') ?? '0', 16);
  for (const [bit, flag] of MOZILLA) if (mozilla & bit) flags.add(flag);
  for (const name of ['x-keywords', 'x-mozilla-keys']) {
    for (const keyword of (fields.get(name) ?? '').split(/[\s,]+/))
      if (keyword) flags.add(Buffer.from(keyword, 'latin1').toString());
  }
  const labels = fields.get('x-gmail-labels');
  if (labels !== undefined) gmailFlags(labels).forEach((flag) => void flags.add(flag));
  return { flags: [...flags].sort(), expunged: (mozilla & MOZILLA_EXPUNGED) !== 0 };
}

/** The first of each field these programs use, unfolded. */
function fieldsOf(header: string): Map<string, string> {
  const fields = new Map<string, string>();
  const wanted =
    /^(status|x-status|x-keywords|x-mozilla-status|x-mozilla-keys|x-gmail-labels):[ \t]*((?:.*)(?:\r?\n[ \t].*)*)/gim;
  for (const [, name = '', value = ''] of header.matchAll(wanted)) {
    const key = name.toLowerCase();
    if (!fields.has(key)) fields.set(key, value.replace(/\r?\n(?=[ \t])/g, '').trim());
  }
  return fields;
}

function gmailFlags(value: string): string[] {
  const labels = decodedWords(value)
    .split(',')
    .map((label) => label.trim().replace(/^"(.*)"$/, '$1'))
    .filter((label) => label !== '');
  const flags = labels.includes('Unread') ? [] : ['\\Seen'];
  for (const label of labels) {
    const flag = GMAIL_FLAGS[label] ?? (GMAIL_PLACES.test(label) ? undefined : label);
    if (flag !== undefined) flags.push(flag);
  }
  return flags;
}

/** RFC 2047 encoded words in UTF-8, which is what Takeout writes. */
function decodedWords(value: string): string {
  const joined = value.replace(/\?=\s+=\?/g, '?==?');
  return joined.replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, how: string, text: string) => {
    if (how.toLowerCase() === 'b') return Buffer.from(text, 'base64').toString();
    const bytes = text
      .replaceAll('_', ' ')
      .replace(/=([0-9a-f]{2})/gi, (__, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString();
  });
}
