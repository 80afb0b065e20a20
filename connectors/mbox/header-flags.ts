/** Flags and keywords as programs write them into headers of messages in mbox files. */
import { gmailFlags } from './gmail-labels.js';

export interface HeaderFlags {
  readonly flags: readonly string[];
  /** Thunderbird marks deleted messages, and takes them out of the file only when it compacts. */
  readonly expunged: boolean;
  /** The labels of Google Takeout do not tell whether the message was read, nor which language they are in. */
  readonly unknownLabels: boolean;
  /** Content-Length, where the header has one. */
  readonly length: number | undefined;
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
/** Evolution, bits of the second part of X-Evolution (camel-enums.h). */
const EVOLUTION = [
  [0x01, '\\Answered'],
  [0x04, '\\Draft'],
  [0x08, '\\Flagged'],
  [0x10, '\\Seen'],
] as const;
/**
 * `header`: the header block as bytes in latin1, without the blank line. Labels that say nothing of reading: exports of
 * Takeout from before 2018 mark only what is unread, so that the rest was read, where the language is known.
 */
export function headerFlags(header: string, isLanguageKnown = false): HeaderFlags {
  const fields = fieldsOf(header);
  const flags = new Set<string>();
  const letters = (text: string | undefined, meanings: Readonly<Record<string, string>>) => {
    for (const letter of text ?? '') if (meanings[letter]) flags.add(meanings[letter]);
  };
  letters(fields.get('status'), STATUS);
  letters(fields.get('x-status'), X_STATUS);
  const mozilla = Number.parseInt(fields.get('x-mozilla-status') ?? '0', 16);
  for (const [bit, flag] of MOZILLA) if (mozilla & bit) flags.add(flag);
  const evolution = Number.parseInt(
    /^[0-9a-f]{8}-([0-9a-f]{4})/i.exec(fields.get('x-evolution') ?? '')?.[1] ?? '0',
    16,
  );
  for (const [bit, flag] of EVOLUTION) if (evolution & bit) flags.add(flag);
  for (const name of ['x-keywords', 'x-mozilla-keys']) {
    for (const keyword of (fields.get(name) ?? '').split(/[\s,]+/))
      if (keyword) flags.add(Buffer.from(keyword, 'latin1').toString());
  }
  const labels = fields.get('x-gmail-labels');
  const gmail = labels === undefined ? undefined : gmailFlags(labels);
  for (const flag of gmail?.flags ?? []) flags.add(flag);
  const known = isLanguageKnown || gmail?.known === true;
  if (gmail && (gmail.seen ?? known)) flags.add('\\Seen');
  const length = /^\d{1,15}$/.exec(fields.get('content-length') ?? '')?.[0];
  return {
    flags: [...flags].sort(),
    expunged: (mozilla & MOZILLA_EXPUNGED) !== 0,
    unknownLabels: gmail !== undefined && !known,
    length: length === undefined ? undefined : Number(length),
  };
}

/** The first of each field these programs use, unfolded. */
function fieldsOf(header: string): Map<string, string> {
  const fields = new Map<string, string>();
  const wanted =
    /^(status|x-status|x-keywords|x-mozilla-status|x-mozilla-keys|x-evolution|x-gmail-labels|content-length):[ \t]*((?:.*)(?:\r?\n[ \t].*)*)/gim;
  for (const [, name = '', value = ''] of header.matchAll(wanted)) {
    const key = name.toLowerCase();
    if (!fields.has(key)) fields.set(key, value.replace(/\r?\n(?=[ \t])/g, '').trim());
  }
  return fields;
}
