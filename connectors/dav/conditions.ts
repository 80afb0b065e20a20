/**
 * Whether a server honours `If-None-Match: *`. SOGo was seen to ignore it: then a create would silently replace what a
 * person has put there. Found out with an item of our own, right after it was stored: what is stored a second time is
 * the same.
 */
import type { DavAccount } from './account.js';
import type { Asking } from './asking.js';
import { listItems } from './items.js';

/** By origin, for all sessions of this process. */
const honoured = new Map<string, boolean>();

/** Undefined until something was created. */
export function honoursConditions(account: DavAccount): boolean | undefined {
  return honoured.get(account.http.origin);
}

/** Sends a create that has just succeeded once more, unless the server is known. Answers whether it was stored again. */
export async function tryCondition(account: DavAccount, asking: Asking, signal: AbortSignal): Promise<boolean> {
  const { origin } = account.http;
  if (honoured.has(origin)) return false;
  // Marked before the answer: other sessions need not try, too, and until it is known they look first.
  honoured.set(origin, false);
  const { status } = await account.http.change(asking, signal);
  if (status === 412) honoured.set(origin, true);
  else if (status >= 300) honoured.delete(origin);
  return status < 300;
}

/** Names that are taken, where the server would not say so itself; undefined where it does. */
export async function namesTaken(
  account: DavAccount,
  collection: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  if (honoursConditions(account) !== false) return undefined;
  const names = new Set<string>();
  for await (const { name } of listItems(account, collection, signal)) names.add(name);
  return names;
}
