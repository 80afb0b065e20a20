/** Whether what a system gave of a message can be all of it, and is the message at all. */
import type { Mail } from './mail.js';

/** Fewer bytes than were told, also when the one counts line ends as two bytes and the other as one. */
export function isShort(body: Mail, told: number): boolean {
  return body.length < told && body.length + bareLineFeeds(body) < told;
}

export function shortBy(body: Mail, told: number): string {
  return `the server tells ${told} bytes and gave ${body.length}`;
}

/**
 * Why a body cannot be the whole message; undefined where it may be. `told` is the size that the system told, 0 where it told
 * none; `exact` says that its sizes are right elsewhere, so that a body below it is cut off.
 */
export function doubtAbout(body: Mail, told: number, exact: boolean): string | undefined {
  if (isPlaceholder(body))
    return 'the server gave a notice in place of the message, which it could not retrieve itself';
  if (told === 0 && body.length > 0) {
    const end = missingEnd(body);
    return end && `the server tells no size and gave ${body.length} bytes: ${end}`;
  }
  if (!isShort(body, told)) return undefined;
  const words = shortBy(body, told);
  if (body.length === 0) return `${words}: the message is empty`;
  const end = missingEnd(body);
  if (end !== undefined) return `${words}: ${end}`;
  return exact ? `${words}: the message is cut off` : undefined;
}

const LF = 10;
const CR = 13;

function bareLineFeeds(body: Mail): number {
  let bare = 0;
  for (let at = body.indexOf(LF); at !== -1; at = body.indexOf(LF, at + 1)) if (body[at - 1] !== CR) bare++;
  return bare;
}

/** What is missing at the end: a message of mail has headers, ends in a line end, and closes its parts. */
function missingEnd(body: Mail): string | undefined {
  const head = headOf(body);
  if (head === undefined) return 'it ends within its headers';
  if (body[body.length - 1] !== LF) return 'it ends within a line';
  const boundary = boundaryIn(head);
  if (boundary !== undefined && !closes(body, boundary)) return 'its parts do not end';
  return undefined;
}

/** Headers beyond are not looked at. */
const HEAD_BYTES = 256 * 1024;

/** The headers, unfolded, one a line; undefined where they do not end. */
function headOf(body: Mail): string | undefined {
  const text = body.toString('latin1', 0, HEAD_BYTES);
  const crlf = text.indexOf('\r\n\r\n');
  const lf = text.indexOf('\n\n');
  const ends = [crlf, lf].filter((at) => at !== -1);
  if (/^\r?\n/.test(text)) return '';
  if (ends.length === 0) return body.length > HEAD_BYTES ? text : undefined;
  return text.slice(0, Math.min(...ends)).replace(/\r?\n[ \t]/g, ' ');
}

function boundaryIn(head: string): string | undefined {
  const type = /^content-type:[ \t]*multipart\/[^\n]{0,2000}/im.exec(head)?.[0];
  const [, quoted, plain] = /;[ \t]*boundary=(?:"([^"\n]{1,200})"|([^\s;"]{1,200}))/i.exec(type ?? '') ?? [];
  return quoted ?? plain;
}

function closes(body: Mail, boundary: string): boolean {
  const end = Buffer.from(`--${boundary}--`, 'latin1');
  for (let at = body.lastIndexOf(end); at !== -1; at = at === 0 ? -1 : body.lastIndexOf(end, at - 1)) {
    if (at === 0 || body[at - 1] === LF) return true;
  }
  return false;
}

/** Notices are short. */
const NOTICE_BYTES = 16 * 1024;
const NOTICE = 'Retrieval using the';

/**
 * Exchange answers for an item that it cannot convert with a message of its own, from 2007 to Online: it has a sender without
 * an address, and says in its subject what happened.
 */
function isPlaceholder(body: Mail): boolean {
  if (body.length > NOTICE_BYTES || !body.includes(NOTICE)) return false;
  const head = headOf(body);
  if (head === undefined) return false;
  return (
    /^from:[ \t]*"?Microsoft Exchange Server[^@\n]*$/im.test(head) &&
    /^subject:[ \t]*Retrieval using the (?:IMAP4|POP3) protocol failed for the following[ \t]+message/im.test(head)
  );
}
