/** Collections of a target: found by name, or made with everything the source tells of them. */
import type { TargetContainer, Wanted } from '../contract.js';
import { Fault } from '../errors.js';
import type { DavAccount } from './account.js';
import type { Collection } from './collections.js';
import { collectionsOf } from './collections.js';
import { segmentOf } from './hrefs.js';
import { drain } from './http.js';
import { listItems } from './items.js';
import type { Name } from './xml.js';
import { document, escapeXml, tag } from './xml.js';

export async function ensure(account: DavAccount, wanted: Wanted, signal: AbortSignal): Promise<TargetContainer> {
  const there = await find(account, wanted, signal);
  if (there) return there;
  const home = await account.home(signal);
  const name = wanted.path.join('/');
  const taken = new Set((await account.collections(signal, true)).map((one) => one.key));
  const key = freeKey(home, name, taken);
  await make(account, key, name, wanted, signal);
  const [made] = await collectionsOf(account, signal, { states: false, path: key });
  account.forgetCollections();
  if (!made) {
    throw new Fault('refused', `the server made the collection ${name}, but does not list it`, {
      next: 'make it by hand under this name, then retry',
    });
  }
  const notes = notKept(name, wanted, made);
  return {
    key,
    path: wanted.path,
    validity: made.validity,
    created: true,
    items: 0,
    ...(notes.length > 0 && { notes }),
  };
}

/** The collection of that name, if there is one. Writes nothing. */
export async function find(
  account: DavAccount,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<TargetContainer | undefined> {
  const name = wanted.path.join('/');
  const named = (one: Collection): boolean => one.path[0] === name;
  const found =
    (await account.collections(signal)).find(named) ?? (await account.collections(signal, true)).find(named);
  if (!found) return undefined;
  const items = await countItems(account, found.key, signal);
  return { key: found.key, path: wanted.path, validity: found.validity, created: false, items };
}

async function countItems(account: DavAccount, key: string, signal: AbortSignal): Promise<number> {
  let items = 0;
  for await (const _ of listItems(account, key, signal)) items++;
  return items;
}

const MAX_SEGMENT = 60;

/** An address for a new collection: its name, as far as that makes a plain segment. */
function freeKey(home: string, name: string, taken: ReadonlySet<string>): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_SEGMENT);
  const base = plain === '' ? 'collection' : plain;
  for (let n = 1; ; n++) {
    const key = `${home}${segmentOf(n === 1 ? base : `${base}-${n}`)}/`;
    if (!taken.has(key)) return key;
  }
}

/** MKCALENDAR for calendars, extended MKCOL (RFC 5689) for both, plain MKCOL with PROPPATCH for servers that know neither. */
async function make(
  account: DavAccount,
  key: string,
  name: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const { type, scheme } = account.flavour;
  const props = properties(account, name, wanted);
  const types = `<D:resourcetype><D:collection/><${type}/></D:resourcetype>`;
  const tries = [
    ...(scheme === 'caldav'
      ? [{ method: 'MKCALENDAR', body: document('C:mkcalendar', `<D:set><D:prop>${props}</D:prop></D:set>`) }]
      : []),
    { method: 'MKCOL', body: document('D:mkcol', `<D:set><D:prop>${types}${props}</D:prop></D:set>`) },
    {
      method: 'MKCOL',
      body: document('D:mkcol', `<D:set><D:prop>${types}${tag('D:displayname', name)}</D:prop></D:set>`),
    },
  ];
  let refusal: Fault | undefined;
  for (const { method, body } of tries) {
    const asking = { method, path: key, headers: { 'content-type': 'application/xml; charset=utf-8' }, body };
    const answer = await account.http.ask(asking, signal);
    if (answer.status >= 200 && answer.status < 300 && answer.status !== 207) {
      await drain(answer.body);
      return;
    }
    refusal = await account.http.fault(asking, answer);
    if (!['refused', 'conflict', 'not-found', 'internal'].includes(refusal.code) && answer.status !== 501)
      throw refusal;
    // Another session may have made it between listing and this.
    if ((await account.collections(signal, true)).some((one) => one.key === key)) return;
  }
  throw refusal ?? new Fault('internal', 'no way to make a collection was tried');
}

function properties({ flavour }: DavAccount, name: string, { properties: given = {} }: Wanted): string {
  const { color, order, description, timezone, components } = given;
  const set = (property: Name, value: string | number | undefined): string =>
    value === undefined ? '' : tag(property, String(value));
  const about = set('D:displayname', name) + set(flavour.description, description);
  if (flavour.scheme !== 'caldav') return about;
  const kept = components ?? ['VEVENT', 'VTODO', 'VJOURNAL'];
  const comps = kept.map((one) => `<C:comp name="${escapeXml(one)}"/>`).join('');
  return [
    about,
    set('A:calendar-color', color),
    set('A:calendar-order', order),
    set('C:calendar-timezone', timezone?.includes('BEGIN:VTIMEZONE') ? timezone : undefined),
    `<C:supported-calendar-component-set>${comps}</C:supported-calendar-component-set>`,
  ].join('');
}

/** What the server did not take of the name and the properties. */
function notKept(name: string, { properties: given = {} }: Wanted, made: Collection): string[] {
  const kept = made.properties ?? {};
  const notes = made.path[0] === name ? [] : [`the server calls it ${made.path[0]}`];
  const lost = (['color', 'order', 'description', 'timezone', 'components'] as const).filter((one) => {
    if (given[one] === undefined) return false;
    return plain(one, given[one]) !== plain(one, kept[one]);
  });
  return lost.length > 0 ? [...notes, `not kept by the server: ${lost.join(', ')}`] : notes;
}

/** Colours with and without opacity, and texts with other line ends, are the same. */
function plain(property: string, value: unknown): string {
  const text = JSON.stringify(value ?? null).toLowerCase();
  if (property === 'color') return text.replace(/^"(#[0-9a-f]{6})(ff)?"$/, '$1');
  return text.replace(/(\\r)?\\n/g, '\\n').trim();
}
