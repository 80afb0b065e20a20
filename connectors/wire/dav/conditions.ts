/**
 * Whether a server honours conditions, method by method. SOGo was seen to ignore `If-None-Match: *` of a PUT and `If-Match`
 * of a DELETE: then a create would silently replace what a person has put there, and a removal takes a person's edit
 * along. Found out with requests that do no harm either way: what was just created is stored a second time; what is to
 * be replaced or removed, and has been looked at, is asked for under a version that nothing has.
 */
import type { DavAccount } from './account.js';
import type { Changed } from './http.js';
import { ifMatch, listItems, versionsOf } from './items.js';
import type { DavRequest } from './request.js';

export type Conditional = 'create' | 'update' | 'remove';

/** By method and origin, for all sessions of this process. */
const honoured = new Map<string, boolean>();

const keyOf = (account: DavAccount, what: Conditional): string => `${what} ${account.http.origin}`;

/** Undefined until it was tried. */
export function honoursConditions(account: DavAccount, what: Conditional): boolean | undefined {
  return honoured.get(keyOf(account, what));
}

/** Sends a create that has just succeeded once more, unless the server is known. Answers whether it was stored again. */
export async function tryCondition(account: DavAccount, request: DavRequest, signal: AbortSignal): Promise<boolean> {
  const key = keyOf(account, 'create');
  if (honoured.has(key)) return false;
  // Marked before the answer: other sessions need not try, too, and until it is known they look first.
  honoured.set(key, false);
  const { status } = await account.http.change(request, signal);
  if (status === 412) honoured.set(key, true);
  else if (status >= 300) honoured.delete(key);
  return status < 300;
}

/** An item that is to be changed only while it has the version that is known. */
export interface Known {
  readonly collection: string;
  readonly name: string;
  readonly version: string;
}

/** Nothing was sent: the item has another version, or is not there. */
export type Otherwise = 'changed' | 'gone';

/** A version that nothing has. */
const NOBODYS = 'drover: no item has this version';

/**
 * Sends a change on the condition that the item has the version. Where the server does not look itself, that is looked at
 * right before; what somebody writes in the moment between cannot be noticed.
 */
export async function whileUnchanged(
  account: DavAccount,
  what: 'update' | 'remove',
  { collection, name, version }: Known,
  request: DavRequest,
  signal: AbortSignal,
): Promise<Changed | Otherwise> {
  const key = keyOf(account, what);
  const under = (condition: string): Promise<Changed> =>
    account.http.change({ ...request, headers: { ...request.headers, ...ifMatch(condition) } }, signal);
  // SOGo compares versions, but stores anew what is gone.
  const trusted = honoured.get(key) === true && !(what === 'update' && account.http.sogo);
  if (trusted) return under(version);
  let now: string | undefined;
  for await (const one of versionsOf(account, collection, [name], signal)) now = one.version;
  if (now !== version) return now === undefined ? 'gone' : 'changed';
  if (honoured.has(key)) return under(version);
  honoured.set(key, false);
  const tried = await under(NOBODYS);
  // Done as it was to be done, only not on the condition.
  if (tried.status < 300) return tried;
  if (tried.status === 412) honoured.set(key, true);
  else honoured.delete(key);
  return under(version);
}

/** Names that are taken, where the server would not say so itself; undefined where it does. */
export async function namesTaken(
  account: DavAccount,
  collection: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  if (honoursConditions(account, 'create') !== false) return undefined;
  const names = new Set<string>();
  for await (const { name } of listItems(account, collection, signal)) names.add(name);
  return names;
}
