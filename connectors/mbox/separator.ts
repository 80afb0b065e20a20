/**
 * Whether a line that begins with "From " begins a message. Exporters forget to quote such lines, and sentences begin
 * so; others write no date, or no blank line before. So three things are weighed: the line's shape, the blank line
 * before it, and whether headers follow.
 */

import { dateAtEnd } from '../formats/written-date.js';
import { OURS } from './from-line.js';

export interface Reading {
  readonly separates: boolean;
  /** The other reading has something for it: said with the message. */
  readonly doubtful?: true;
}

const SEPARATES: Reading = { separates: true };
const TEXT: Reading = { separates: false };
const PERHAPS_SEPARATES: Reading = { separates: true, doubtful: true };
const PERHAPS_TEXT: Reading = { separates: false, doubtful: true };

/** `text`: the line and some KB behind it, as latin1. `blank`: a blank line, or nothing, stands before it. */
export function readingOf(text: string, blank: boolean): Reading {
  const lineEnd = text.indexOf('\n');
  const line = (lineEnd === -1 ? text : text.slice(0, lineEnd)).trimEnd();
  if (blank && line.startsWith(OURS)) return SEPARATES;
  const shape = shapeOf(line);
  // The most of all beginnings.
  if (blank && shape === 'dated' && BEGINS_WITH_FIELD.test(text.slice(lineEnd + 1, lineEnd + 100))) return SEPARATES;
  const follows = lineEnd === -1 ? 'nothing' : following(text, lineEnd + 1);
  switch (shape) {
    case 'dated':
      if (!blank) return follows === 'headers' ? SEPARATES : TEXT;
      return follows === 'text' ? PERHAPS_SEPARATES : SEPARATES;
    case 'bare':
      if (!blank) return follows === 'headers' ? PERHAPS_TEXT : TEXT;
      return follows === 'headers' || follows === 'fields' ? SEPARATES : TEXT;
    case 'timed':
      return blank && follows === 'headers' ? SEPARATES : TEXT;
    case 'words':
      return blank && follows === 'headers' ? PERHAPS_TEXT : TEXT;
  }
}

/** A date at its end; only a sender, as Thunderbird's `From -`; a date that cannot be read; or words. */
function shapeOf(line: string): 'dated' | 'bare' | 'timed' | 'words' {
  const rest = line.slice(5).trim();
  if (dateAtEnd(line) !== undefined) return mayBeSender(rest) ? 'dated' : 'timed';
  if (rest === '' || rest === '-' || /^(?:[^\s@]{1,200}@[^\s@]{1,200}|MAILER-DAEMON)$/.test(rest)) return 'bare';
  return (/\d:\d\d/.test(rest) && /\d{4}/.test(rest)) || !rest.includes(' ') ? 'timed' : 'words';
}

/** A date takes five or six words, so that one or two are left; more of them are a sentence, unless they tell an address. */
function mayBeSender(rest: string): boolean {
  return rest.split(/\s+/, 9).length < 8 || rest.includes('@') || / at \S+ /.test(rest);
}

/** Fields that messages have; others' names may stand before a colon in any sentence. */
const KNOWN =
  /^(?:from|to|cc|bcc|subject|date|message-id|received(?:-spf)?|return-path|reply-to|sender|mime-version|delivered-to|delivery-date|envelope-to|in-reply-to|references|status|x-[!-9;-~]+|(?:content|list|resent|arc|thread)-[!-9;-~]+|dkim-signature|domainkey-signature|authentication-results|errors-to|precedence|importance|priority|sensitivity|organization|user-agent|lines|newsgroups|path|apparently-to|mailing-list|autocrypt|auto-submitted|feedback-id|old-return-path)[ \t]*:/i;
const FIELD = /^[!-9;-~]+[ \t]*:/;
const BEGINS_WITH_FIELD = /^[!-9;-~]{1,80}:/;

/**
 * `headers`: two fields that messages have, or one among nothing but fields. `fields`: what looks like fields of other
 * names. `nothing`: a blank line, or the end.
 */
function following(text: string, from: number): 'headers' | 'fields' | 'nothing' | 'text' {
  let fields = 0;
  let known = 0;
  for (let at = from; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end);
    at = end === -1 ? text.length : end + 1;
    if (line === '' || line === '\r') break;
    if (FIELD.test(line)) {
      fields++;
      if (KNOWN.test(line) && ++known === 2) return 'headers';
    } else if (fields === 0 ? !/^>+From /.test(line) : !/^[ \t]/.test(line)) return fields === 0 ? 'text' : 'fields';
  }
  return known > 0 ? 'headers' : fields > 0 ? 'fields' : 'nothing';
}
