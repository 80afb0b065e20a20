/** The collections of an account as containers. */
import { randomUUID } from 'node:crypto';
import type { Container, ContainerProperties } from '../../contract.js';
import type { Flavour } from './flavour.js';
import { nameIn, pathOf, withSlash } from './hrefs.js';
import type { DavHttp } from './http.js';
import type { Resource } from './multistatus.js';
import type { DavOptions } from './options.js';
import type { Element, Name } from './xml.js';
import { child, document, propsAsked, textIn } from './xml.js';

export interface Collection extends Container {
  /** It answers sync-collection (RFC 6578): its changes can be asked for. */
  readonly syncs: boolean;
  /** It answers for many items at once; unknown without its states. */
  readonly multigets: boolean;
  /** The data formats it takes, e.g. `4.0` of vCard; empty where it does not say. */
  readonly types: readonly string[];
  /** The largest item it takes, in bytes. */
  readonly maxBytes?: number;
  /** Kept by Radicale, whose ways are known (README of caldav). */
  readonly radicale: boolean;
  /** It has no name but its address. */
  readonly nameless: boolean;
}

/** What of an account is needed to ask for its collections. */
interface Asked {
  readonly flavour: Flavour;
  readonly options: Pick<DavOptions, 'shared'>;
  readonly http: Pick<DavHttp, 'members' | 'now'>;
  home(signal: AbortSignal): Promise<string>;
}

const SYNC = 'sync:';
const CTAG = 'ctag:';

const ASKED: readonly Name[] = [
  'D:resourcetype',
  'D:displayname',
  'A:calendar-color',
  'A:calendar-order',
  'C:calendar-timezone',
  'C:supported-calendar-component-set',
  'C:max-resource-size',
  'CR:max-resource-size',
  'CR:supported-address-data',
  'I:addressbook-color',
  // Tells Radicale from others: it has this of every collection with a name.
  'R:displayname',
  'D:current-user-privilege-set',
  'D:owner',
  'D:current-user-principal',
];
/** Servers compute these from all items. */
const STATES: readonly Name[] = ['D:sync-token', 'D:supported-report-set'];

/** The collections of a home, and what stands there beside them. */
export interface Collections {
  readonly own: readonly Collection[];
  /** Calendars or address books that others own and show in this home. */
  readonly shared: readonly Collection[];
  /** Those of them that the spec does not ask for. */
  readonly left: readonly Collection[];
  /** Every address in the home that is taken, by whatever. */
  readonly addresses: ReadonlySet<string>;
}

/**
 * Calendars or address books, by key. Those made of invitations, those subscribed to elsewhere, and directories of a
 * whole company are no part; nor are those that the login may only read, beside others that it may write: they are shown
 * in its home, and belong to others. `states`: with their tokens, which a target has no use for. `path`: that one alone.
 */
export async function collectionsOf(
  account: Asked,
  signal: AbortSignal,
  { states = true, path: at }: { readonly states?: boolean; readonly path?: string } = {},
): Promise<Collections> {
  const home = await account.home(signal);
  const { type, description, multiget } = account.flavour;
  const look = async (names: readonly Name[]): Promise<Map<string, Resource>> => {
    const found = new Map<string, Resource>();
    const body = document('D:propfind', propsAsked(names));
    const request = { method: 'PROPFIND', path: at ?? home, headers: { depth: at === undefined ? '1' : '0' }, body };
    for await (const member of account.http.members(request, signal)) {
      const path = 'resource' in member ? pathOf(member.resource.href) : undefined;
      if ('resource' in member && path !== undefined) found.set(withSlash(path), member.resource);
    }
    return found;
  };
  // Before the server looks: what it says of states holds for this moment at least.
  const now = account.http.now();
  const there = await look([...ASKED, description, ...(states ? STATES : [])]);
  const all = [...there].flatMap(([key, resource]) => {
    const types = resource.props.get('D:resourcetype');
    const counts = child(types, type) && !child(types, 'CS:subscribed') && !child(types, 'CR:directory');
    return counts ? [{ key, resource }] : [];
  });
  const writable = all.filter(({ resource }) => mayWrite(resource));
  const found = (writable.length > 0 ? writable : all).sort((a, b) => (a.key < b.key ? -1 : 1));
  // Radicale computes a CTag from all items once more: it is asked for only where it is needed.
  const needCtags = states && found.some(({ resource }) => !syncTokenIn(resource));
  const ctags = needCtags ? await look(['CS:getctag']) : new Map<string, Resource>();
  const seen = new Set<string>();
  const isShared = ownedByOthers(there.get(home), found);
  const both = found.map(({ key, resource }) => {
    const segment = nameIn(home, key.slice(0, -1)) ?? key;
    const name = displayName(resource, key, segment);
    // Two collections of one name are told apart by their addresses, the second one at least.
    const path = name !== undefined && seen.has(name) ? `${name} (${segment})` : (name ?? segment);
    seen.add(path);
    const ctag = ctags.get(key)?.props.get('CS:getctag')?.text.trim();
    return {
      shared: at === undefined && isShared(resource),
      one: collection(key, path, resource, { description, multiget, nameless: name === undefined, ctag, now }),
    };
  });
  const shared = both.flatMap((one) => (one.shared ? [one.one] : []));
  const left = account.options.shared === 'move' ? [] : shared;
  return {
    own: both.flatMap(({ one }) => (left.includes(one) ? [] : [one])),
    shared,
    left,
    addresses: new Set([...there.keys()].filter((key) => key !== home)),
  };
}

/**
 * Whether a collection belongs to somebody else than the home it is shown in: by the owner of the home (RFC 3744, 5.1),
 * else by the login, where that owns anything here; it may be that of a person who moves everybody's.
 */
function ownedByOthers(
  home: Resource | undefined,
  found: readonly { readonly resource: Resource }[],
): (resource: Resource) => boolean {
  const hrefIn = (resource: Resource | undefined, name: Name): string | undefined => {
    const path = pathOf(textIn(resource?.props.get(name), 'D:href') ?? '');
    return path === undefined ? undefined : withSlash(path);
  };
  const owner = (resource: Resource): string | undefined => hrefIn(resource, 'D:owner');
  const first = home ?? found[0]?.resource;
  const known = [home && owner(home), hrefIn(first, 'D:current-user-principal')];
  const own = known.find((one) => one !== undefined && found.some(({ resource }) => owner(resource) === one));
  return (resource) => {
    const its = owner(resource);
    return own !== undefined && its !== undefined && its !== own;
  };
}

function displayName({ props }: Resource, key: string, segment: string): string | undefined {
  const name = plainText(props.get('D:displayname')?.text.trim()) || undefined;
  // Radicale calls a collection without a name by its path, Xandikos by the end of it.
  return name === key.slice(1, -1) || name === segment ? undefined : name;
}

/** DAViCal gives a name back as the XML that it was set with: `Work &amp; Fun`. */
function plainText(name: string | undefined): string | undefined {
  return name?.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => ENTITIES[entity] as string);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Where the server does not tell privileges (RFC 3744), it is tried. */
function mayWrite({ props }: Resource): boolean {
  const reported = props.get('D:current-user-privilege-set');
  if (!reported) return true;
  const privileges = reported.children.flatMap((one) => one.children.map(({ name }) => name));
  return privileges.some((name) => ['D:all', 'D:write', 'D:write-content', 'D:bind'].includes(name));
}

function reports({ props }: Resource, report: Name): boolean {
  const reported = props.get('D:supported-report-set')?.children ?? [];
  // Xandikos leaves the element between out.
  return reported.some((one) => child(child(one, 'D:report') ?? one, report));
}

function syncTokenIn(resource: Resource): string | undefined {
  if (!reports(resource, 'D:sync-collection')) return undefined;
  return resource.props.get('D:sync-token')?.text.trim() || undefined;
}

/** It takes 4.0, and cuts its photos off at the comma: it reads all cards as 3.0. */
const RADICALE_TYPES: readonly string[] = ['3.0'];

interface Reported {
  readonly multiget: Name;
  readonly description: Name;
  readonly nameless: boolean;
  readonly ctag: string | undefined;
  /** The server's time before it was asked. */
  readonly now: number;
}

function collection(key: string, name: string, resource: Resource, reported: Reported): Collection {
  const { props } = resource;
  const syncToken = syncTokenIn(resource);
  const token = syncToken
    ? `${SYNC}${completeUpTo(syncToken, reported.now)}`
    : reported.ctag
      ? `${CTAG}${reported.ctag}`
      : undefined;
  const max = Number(props.get('C:max-resource-size')?.text ?? props.get('CR:max-resource-size')?.text);
  return {
    key,
    path: [name],
    // Names do not come back for other items: a collection made anew has none of the old ones.
    validity: '1',
    radicale: props.has('R:displayname'),
    nameless: reported.nameless,
    syncs: syncToken !== undefined,
    multigets: reports(resource, reported.multiget),
    types: props.has('R:displayname')
      ? RADICALE_TYPES
      : (props.get('CR:supported-address-data')?.children ?? []).flatMap((one) => one.attributes.version ?? []),
    ...(max > 0 && { maxBytes: max }),
    ...(token !== undefined && { token }),
    ...propertiesOf(props, reported.description),
  };
}

/** What is written within so many seconds may still be under way. */
const UNDER_WAY = 2;

/**
 * SOGo's tokens are the second of the newest change, and it tells what changed in later ones: what comes in the same
 * second would never be told. One that is not over yet is not kept; the last that is stands for it, and is equal to
 * no other: it does not promise that nothing changed since.
 */
function completeUpTo(token: string, now: number): string {
  const over = Math.floor(now / 1000) - UNDER_WAY - 1;
  return /^1\d{9}$/.test(token) && Number(token) > over ? `${over}${ONCE}${randomUUID()}` : token;
}

const ONCE = ' once ';

function propertiesOf(
  props: ReadonlyMap<Name, Element>,
  description: Name,
): { readonly properties?: ContainerProperties } {
  const text = (name: Name): string | undefined => props.get(name)?.text.trim() || undefined;
  const order = Number(text('A:calendar-order') ?? Number.NaN);
  const components = (props.get('C:supported-calendar-component-set')?.children ?? []).flatMap(
    (one) => one.attributes.name ?? [],
  );
  const color = text('A:calendar-color') ?? text('I:addressbook-color');
  const about = text(description);
  const timezone = text('C:calendar-timezone');
  const properties: ContainerProperties = {
    ...(color !== undefined && { color }),
    ...(Number.isInteger(order) && { order }),
    ...(about !== undefined && { description: about }),
    ...(timezone !== undefined && { timezone }),
    ...(components.length > 0 && { components: [...components].sort() }),
  };
  return Object.keys(properties).length > 0 ? { properties } : {};
}

/** The sync token inside a container's token; undefined where it is another mark. */
export function syncTokenOf(token: string): string | undefined {
  return token.startsWith(SYNC) ? token.slice(SYNC.length).split(ONCE, 1)[0] : undefined;
}
