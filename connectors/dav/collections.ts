/** The collections of an account as containers. */
import type { Container, ContainerProperties } from '../contract.js';
import type { DavAccount } from './account.js';
import { nameIn, pathOf, withSlash } from './hrefs.js';
import type { Resource } from './multistatus.js';
import type { Element, Name } from './xml.js';
import { child, document, propsAsked } from './xml.js';

export interface Collection extends Container {
  /** It answers sync-collection (RFC 6578): its changes can be asked for. */
  readonly syncs: boolean;
  /** The data formats it takes, e.g. `4.0` of vCard; empty where it does not say. */
  readonly types: readonly string[];
  /** The largest item it takes, in bytes. */
  readonly maxBytes?: number;
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
];
/** Servers compute these from all items. */
const STATES: readonly Name[] = ['D:sync-token', 'D:supported-report-set', 'CS:getctag'];

/**
 * Calendars or address books, by key. Those made of invitations, and those subscribed to elsewhere, are no part.
 * `states`: with their tokens, which a target has no use for. `path`: that one alone.
 */
export async function collectionsOf(
  account: DavAccount,
  signal: AbortSignal,
  { states = true, path: at }: { readonly states?: boolean; readonly path?: string } = {},
): Promise<Collection[]> {
  const home = await account.home(signal);
  const { type, description } = account.flavour;
  const body = document('D:propfind', propsAsked([...ASKED, description, ...(states ? STATES : [])]));
  const found: { readonly key: string; readonly resource: Resource }[] = [];
  const asking = { method: 'PROPFIND', path: at ?? home, headers: { depth: at === undefined ? '1' : '0' }, body };
  for await (const member of account.http.members(asking, signal)) {
    if (!('resource' in member)) continue;
    const types = member.resource.props.get('D:resourcetype');
    const path = pathOf(member.resource.href);
    if (path === undefined || !child(types, type) || child(types, 'CS:subscribed')) continue;
    found.push({ key: withSlash(path), resource: member.resource });
  }
  found.sort((a, b) => (a.key < b.key ? -1 : 1));
  const seen = new Set<string>();
  return found.map(({ key, resource }) => {
    const segment = nameIn(home, key.slice(0, -1)) ?? key;
    const name = displayName(resource) ?? segment;
    // Two collections of one name are told apart by their addresses, the second one at least.
    const path = seen.has(name) ? `${name} (${segment})` : name;
    seen.add(path);
    return collection(key, path, resource, description);
  });
}

function displayName({ props }: Resource): string | undefined {
  return props.get('D:displayname')?.text.trim() || undefined;
}

function collection(key: string, name: string, { props }: Resource, description: Name): Collection {
  const reports = props.get('D:supported-report-set')?.children ?? [];
  // Xandikos leaves the element between out.
  const syncs = reports.some((one) => child(child(one, 'D:report') ?? one, 'D:sync-collection'));
  const syncToken = props.get('D:sync-token')?.text.trim();
  const ctag = props.get('CS:getctag')?.text.trim();
  const token = syncs && syncToken ? `${SYNC}${syncToken}` : ctag ? `${CTAG}${ctag}` : undefined;
  const max = Number(props.get('C:max-resource-size')?.text ?? props.get('CR:max-resource-size')?.text);
  return {
    key,
    path: [name],
    // Names do not come back for other items: a collection made anew has none of the old ones.
    validity: '1',
    syncs: syncs && syncToken !== undefined,
    types: (props.get('CR:supported-address-data')?.children ?? []).flatMap((one) => one.attributes.version ?? []),
    ...(max > 0 && { maxBytes: max }),
    ...(token !== undefined && { token }),
    ...propertiesOf(props, description),
  };
}

function propertiesOf(
  props: ReadonlyMap<Name, Element>,
  description: Name,
): { readonly properties?: ContainerProperties } {
  const text = (name: Name): string | undefined => props.get(name)?.text.trim() || undefined;
  const order = Number(text('A:calendar-order') ?? Number.NaN);
  const components = (props.get('C:supported-calendar-component-set')?.children ?? []).flatMap(
    (one) => one.attributes.name ?? [],
  );
  const color = text('A:calendar-color');
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
  return token.startsWith(SYNC) ? token.slice(SYNC.length) : undefined;
}
