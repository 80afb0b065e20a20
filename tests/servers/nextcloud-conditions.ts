/** Conditions of requests, as sabre/dav judges them (Server::checkPreconditions). */
import type { IncomingHttpHeaders } from 'node:http';
import { Refusal, refusals } from './nextcloud-answers.js';

/** What a path holds: a file's ETag with quotes, '' for a folder, undefined for nothing. */
export type EtagAt = (path: string) => Promise<string | undefined>;

export async function checkConditions(
  headers: IncomingHttpHeaders,
  path: string,
  etagAt: EtagAt,
  pathOf: (url: string) => string | undefined,
): Promise<void> {
  const { 'if-match': match, 'if-none-match': none } = headers;
  if (match !== undefined) {
    const there = await etagAt(path);
    if (there === undefined) throw refusals.precondition('If-Match: the resource did not exist');
    // Folders have an ETag, which no condition is compared with.
    if (match !== '*' && !listOf(match).includes(there)) throw refusals.precondition('If-Match');
  }
  if (none !== undefined) {
    const there = await etagAt(path);
    if (there !== undefined && (none === '*' || listOf(none).includes(there)))
      throw refusals.precondition('If-None-Match');
  }
  if (typeof headers.if === 'string') await checkIf(headers.if, path, etagAt, pathOf);
}

/** `<url> (["etag"])`, the only form that clients send here (RFC 4918, 10.4). */
async function checkIf(
  condition: string,
  path: string,
  etagAt: EtagAt,
  pathOf: (url: string) => string | undefined,
): Promise<void> {
  const [, url, etag] = /^(?:<([^>]*)>\s*)?\(\s*\[(.*)\]\s*\)$/.exec(condition.trim()) ?? [];
  if (etag === undefined) throw new Refusal(400, 'Sabre\\DAV\\Exception\\BadRequest', `If: ${condition}`);
  const of = url === undefined ? path : pathOf(url);
  if (of === undefined) throw refusals.precondition('If');
  const there = await etagAt(of);
  if (there === undefined) throw refusals.notFound(of);
  if (there !== etag) throw refusals.precondition('If');
}

function listOf(value: string): string[] {
  return value.split(',').map((one) => one.trim());
}
