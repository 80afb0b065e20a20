/**
 * What may be repeated of a server's words: no secrets, no addresses, no content. Servers, and gateways before them, have
 * been seen to quote whole requests in their refusals; whoever reads the ledger or a report must not find them there.
 */
import { maskAddresses } from '../mask-addresses.js';
import type { DavRequest } from './request.js';

const MAX_WORDS = 200;

/** A word of the server and the item's content may share fewer characters by chance. */
const QUOTED = 12;

/** One line of what a server said; undefined: nothing of it may be repeated. `free`: not in the form of a DAV error. */
export type Clean = (words: string, free: boolean) => string | undefined;

/** Without a request it only takes a line of what was said. */
export const asLine: Clean = (words) => words.replace(/\s+/g, ' ').trim().slice(0, MAX_WORDS) || undefined;

/** Secrets are taken out before the words are cut: half of one would not be recognised. */
export function cleanFor({ method, body }: DavRequest, secrets: Iterable<string>): Clean {
  const forms = [...secrets].filter(Boolean).flatMap(formsOf);
  const carries = method === 'PUT' || method === 'POST';
  return (words, free) => {
    // Pages, JSON and bare text come from anywhere between here and the file. Streams are not here any more to compare.
    if ((free && (carries || method === 'GET')) || (carries && isStream(body))) return undefined;
    let clean = words;
    for (const form of forms) clean = clean.replaceAll(form, '<secret>');
    if (carries) clean = withoutQuotes(clean, Buffer.from((body ?? '') as Buffer));
    return asLine(maskAddresses(clean, '<address>'), free);
  };
}

function isStream(body: DavRequest['body']): boolean {
  return body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
}

/** The longest first: a login contains its password in another spelling. */
function formsOf(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

/** Masks each run of characters that stands in the content, too. The content, which may be large, is gone through once. */
function withoutQuotes(words: string, content: Buffer): string {
  const line = words.slice(0, 4 * MAX_WORDS);
  const shared = sharedRuns(line, content.toString());
  let clean = '';
  let masked = 0;
  for (let at = 0; at < line.length; at++) {
    if (shared.has(line.slice(at, at + QUOTED))) {
      if (masked <= at) clean += '<content>';
      masked = at + QUOTED;
    }
    if (masked <= at) clean += line[at];
  }
  return clean;
}

/** The runs of `QUOTED` characters of the line that stand in the text. */
function sharedRuns(line: string, text: string): Set<string> {
  const runs = new Set<string>();
  // Whether a run begins with two characters such as these: most places of the text are done with by that.
  const begins = new Uint8Array(65_536);
  const pair = (of: string, at: number): number => (of.charCodeAt(at) * 251 + of.charCodeAt(at + 1)) & 0xffff;
  for (let at = 0; at + QUOTED <= line.length; at++) {
    runs.add(line.slice(at, at + QUOTED));
    begins[pair(line, at)] = 1;
  }
  const shared = new Set<string>();
  for (let at = 0; at + QUOTED <= text.length; at++) {
    if (begins[pair(text, at)] === 0) continue;
    const run = text.slice(at, at + QUOTED);
    if (runs.has(run)) shared.add(run);
  }
  return shared;
}
