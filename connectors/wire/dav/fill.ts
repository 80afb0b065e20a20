/**
 * Radicale stores the items of a whole collection from one PUT on the collection itself. Item by item it walks the
 * collection at each PUT. Why that is safe for a collection that is new and empty: docs/decisions/0017.
 */
import type { Write, WriteAnswer } from '../../contract.js';
import { listItems, versionOf } from './items.js';
import { setProperties } from './make.js';
import type { Setting } from './properties.js';
import type { Writing } from './write.js';
import { nameFor } from './write.js';
import { document, propsAsked } from './xml.js';

type Create = Write<Buffer> & { readonly op: 'create' };

/** For fewer, five requests are no gain. */
const WORTH = 8;

/** Servers that store a collection although the condition does not hold. */
const careless = new Set<string>();

/**
 * Writes what can go in one request, and answers it; gives back what has to go one by one, which may be all of it.
 * `settings` are what the collection was made with: the PUT takes them away, and they are set again.
 */
export async function* fillCollection(
  writing: Writing,
  settings: readonly Setting[],
  writes: readonly Write<Buffer>[],
  signal: AbortSignal,
): AsyncGenerator<WriteAnswer, readonly Write<Buffer>[]> {
  const { account, container } = writing;
  const together = joinable(writing, writes);
  if (together.size < WORTH || careless.has(account.http.origin)) return writes;
  const etag = await etagOfEmpty(writing, signal);
  if (etag === undefined) return writes;
  const [first] = together.values();
  const trial = await put(writing, [first as Create], '"drover: no collection has this one"', signal);
  if (trial < 300) careless.add(account.http.origin);
  const status = trial === 412 ? await put(writing, [...together.values()], etag, signal) : trial;
  // 412: somebody else wrote there in between. 400: one of the items is not to its taste, and refused when it comes alone.
  if (status >= 300) return writes;
  await setProperties(account, container.key, settings, signal);
  const stored = new Map<string, string>();
  for await (const { name, version } of listItems(account, container.key, signal)) stored.set(name, version);
  const done = new Set<Write<Buffer>>();
  for (const [name, write] of together) {
    const version = stored.get(name);
    if (version === undefined) continue;
    done.add(write);
    yield { token: write.token, ref: name, version };
  }
  return writes.filter((write) => !done.has(write));
}

/** Creates by the name that Radicale gives them when it fills a collection: `<UID>.ics`. Each UID once, or it would join them. */
function joinable(writing: Writing, writes: readonly Write<Buffer>[]): Map<string, Create> {
  const { rules, suffix } = writing.account.flavour;
  const found = new Map<string, Create>();
  const twice = new Set<string>();
  for (const write of writes) {
    if (write.op !== 'create' || contentOf(writing, write.body) === undefined) continue;
    const uid = rules.identities(write.body, ['uid'])[0]?.slice('uid:'.length);
    const name = nameFor(writing, write.body);
    if (name !== `${uid}${suffix}`) continue;
    if (found.has(name)) twice.add(name);
    found.set(name, write);
  }
  for (const name of twice) found.delete(name);
  return found;
}

/** The entity tag of the collection; undefined unless it holds nothing at all. */
async function etagOfEmpty({ account, container }: Writing, signal: AbortSignal): Promise<string | undefined> {
  const body = document('D:propfind', propsAsked(['D:getetag']));
  const request = { method: 'PROPFIND', path: container.key, headers: { depth: '1' }, body };
  const etags: (string | undefined)[] = [];
  for await (const member of account.http.members(request, signal)) {
    if ('resource' in member) etags.push(member.resource.props.get('D:getetag')?.text);
  }
  const [etag] = etags;
  return etags.length === 1 && etag ? `"${versionOf(etag)}"` : undefined;
}

/** Answers the status. Throws for what says nothing of the request itself. */
async function put(writing: Writing, writes: readonly Create[], etag: string, signal: AbortSignal): Promise<number> {
  const { account, container } = writing;
  const { contentType, scheme } = account.flavour;
  const contents = writes.map((write) => contentOf(writing, write.body) as string).join('');
  const body =
    scheme === 'caldav'
      ? `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Drover//EN\r\n${contents}END:VCALENDAR\r\n`
      : contents;
  const headers = { 'content-type': contentType, 'if-match': etag };
  const request = { method: 'PUT', path: container.key, headers, body: Buffer.from(body, 'latin1') };
  const answer = await account.http.change(request, signal);
  if (answer.status === 401 || answer.status === 429 || answer.status >= 500) {
    throw account.http.faultFrom(request, answer, answer.error);
  }
  return answer.status;
}

const CALENDAR =
  /^BEGIN:VCALENDAR\r\n(?:(?:VERSION:2\.0|PRODID[;:][^\r\n]*|CALSCALE:GREGORIAN)\r\n(?:[ \t][^\r\n]*\r\n)*)*(BEGIN:V(?:EVENT|TODO|JOURNAL)\r\n[\s\S]*)END:VCALENDAR\r\n$/;
const CARD = /^BEGIN:VCARD\r\n[\s\S]*\r\nEND:VCARD\r\n$/;

/**
 * What of an item goes between others, as byte text; undefined where anything would be lost: of calendars filled so
 * Radicale drops zones and whatever stands beside the components.
 */
function contentOf({ account }: Writing, body: Buffer): string | undefined {
  const text = body.toString('latin1');
  if (account.flavour.scheme === 'carddav') {
    return CARD.test(text) && !/BEGIN:VCARD|QUOTED-PRINTABLE|\nAGENT/i.test(text.slice(1)) ? text : undefined;
  }
  const inner = CALENDAR.exec(text)?.[1];
  return inner === undefined || /TZID|VTIMEZONE|VCALENDAR/i.test(inner) || !onlyEntries(inner) ? undefined : inner;
}

/** Whether nothing but events, to-dos and journal entries stands at the top. */
function onlyEntries(inner: string): boolean {
  let depth = 0;
  for (const line of inner.slice(0, -2).split('\r\n')) {
    if (line.startsWith('BEGIN:')) {
      if (depth === 0 && !/^BEGIN:V(?:EVENT|TODO|JOURNAL)$/.test(line)) return false;
      depth++;
    } else if (line.startsWith('END:')) depth--;
    else if (depth === 0) return false;
    if (depth < 0) return false;
  }
  return depth === 0;
}
