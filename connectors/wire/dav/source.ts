/** An account as a source. Only read: PROPFIND, REPORT and GET. */
import type { Body, Change, Container, Described, ItemRef, Page, Refused, Source } from '../../contract.js';
import { Fault } from '../../errors.js';
import { isAbove } from '../../kinds/key-order.js';
import type { DavAccount } from './account.js';
import type { Collection } from './collections.js';
import { collectionsOf, syncTokenOf } from './collections.js';
import { describeAccount } from './describe.js';
import { HttpFault } from './faults.js';
import { nameIn } from './hrefs.js';
import type { Listed } from './items.js';
import { byName, getItems, isCut, LISTED, ListingCut, listedIn, listItems } from './items.js';
import { suppression } from './scheduling.js';
import { document, tag } from './xml.js';

const PAGE = 1_000;

export function createDavSource(account: DavAccount): Source<Buffer> {
  return {
    place: (signal) => account.place(signal),
    describe: (signal) => describeAccount(account, 'source', signal),
    close: () => account.close(),
    async *containers(signal): AsyncIterable<Container> {
      const { own, left } = await collectionsOf(account, signal);
      for (const one of own) yield containerOf(one);
      for (const one of left) yield { ...containerOf(one), leftOut: 'others own it' };
    },
    async *list(container, after, signal): AsyncIterable<Page<ItemRef>> {
      await account.home(signal);
      const { items, cut } = await listAll(account, container, signal);
      const all = after === undefined ? items : items.filter((one) => isAbove(one.name, after));
      for (let at = 0; at < all.length; at += PAGE) {
        yield { entries: all.slice(at, at + PAGE).map(({ name, version, bytes }) => refOf(name, version, bytes)) };
      }
      if (cut) throw cut;
    },
    async *changes(container, since, signal): AsyncIterable<Page<Change>> {
      await account.home(signal);
      yield* changesOf(account, container, since, signal);
    },
    async *read(container, refs, signal): AsyncIterable<Body<Buffer> | Refused> {
      await account.home(signal);
      const names = refs.map((ref) => ref.key);
      const refusals = new Map<string, Refused>();
      const refuse = (name: string, fault: Fault, again: boolean): void =>
        void refusals.set(name, refusedBy(name, fault, again));
      const without = (name: string): Refused => refusals.get(name) ?? gone(name);
      let at = 0;
      for await (const { name, body } of getItems(account, container.key, names, signal, refuse)) {
        for (; names[at] !== name; at++) yield without(names[at] as string);
        at++;
        yield { key: name, body: suppression.undone(account, body) };
      }
      for (; at < names.length; at++) yield without(names[at] as string);
    },
  };
}

function refusedBy(key: string, { message }: Fault, again: boolean): Refused {
  const reason = `${message}; look at it in the source, and move it by hand`;
  return { refused: key, reason, ...(again && { again }) };
}

/**
 * All items by name. A listing that the server cuts off is completed by the changes since ever (RFC 6578, 3.4), which come
 * in parts; where it has none of these, `cut` says that there is more.
 */
async function listAll(
  account: DavAccount,
  container: Container,
  signal: AbortSignal,
): Promise<{ readonly items: readonly Listed[]; readonly cut?: Fault }> {
  const items = new Map<string, Listed>();
  let cut: Fault | undefined;
  try {
    for await (const one of listItems(account, container.key, signal)) items.set(one.name, one);
  } catch (error) {
    if (!(error instanceof ListingCut)) throw error;
    cut = error;
  }
  if (cut) {
    try {
      for await (const { entries } of changesOf(account, container, FROM_THE_BEGINNING, signal)) {
        for (const one of entries) {
          if (one.change === 'upsert') items.set(one.item.key, { ...(one.item as Described), name: one.item.key });
        }
      }
      cut = undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Fault) || ['credentials', 'throttled'].includes(error.code)) throw error;
    }
  }
  return { items: [...items.values()].sort(byName), ...(cut && { cut }) };
}

function containerOf({ key, path, validity, token, properties }: Collection): Container {
  return { key, path, validity, ...(token !== undefined && { token }), ...(properties && { properties }) };
}

function gone(key: string): Refused {
  return { refused: key, reason: GONE };
}

const GONE =
  'the source listed it, and says now that it is not there; if it was deleted meanwhile, the next run sees that';

function refOf(key: string, version: string, bytes: number): ItemRef {
  return { key, version, bytes, rank: 0, meta: {} };
}

/**
 * Changes by RFC 6578. A server that cannot tell all at once says 507 for the collection itself, and goes on from the
 * token of that answer. Throws `Fault('cursor-lost')` for a token that is no longer known.
 */
async function* changesOf(
  account: DavAccount,
  { key }: Container,
  since: string,
  signal: AbortSignal,
): AsyncGenerator<Page<Change>> {
  const first = syncTokenOf(since);
  if (first === undefined) throw lost('it keeps no list of changes');
  const seen = new Map<string, Change>();
  for (let token: string | undefined = first; token !== undefined; ) {
    const body = document('D:sync-collection', `${tag('D:sync-token', token)}<D:sync-level>1</D:sync-level>${LISTED}`);
    let truncated = false;
    let next: string | undefined;
    try {
      for await (const member of account.http.members({ method: 'REPORT', path: key, body }, signal)) {
        if ('syncToken' in member) {
          next = member.syncToken;
          continue;
        }
        const { href, status } = member.resource;
        if (isCut(key, member.resource)) truncated = true;
        const name = nameIn(key, href);
        // The last word on an item counts: it may turn up on several pages.
        if (name !== undefined && (status === 404 || status === 410)) seen.set(name, { change: 'gone', key: name });
        // What changed and may not be seen is read all the same, which says why.
        const one = listedIn(key, member.resource);
        if (one) seen.set(one.name, { change: 'upsert', item: refOf(one.name, one.version, one.bytes) });
      }
    } catch (error) {
      // RFC 6578, 3.2: 403 or 409 with valid-sync-token; some answer 400, 410 or a plain 403 or 409. Xandikos stumbles
      // over a token it does not know (500): if it is in trouble indeed, listing will show that.
      if (!(error instanceof HttpFault)) throw error;
      const unknown = ['refused', 'conflict', 'not-found', 'quota'].includes(error.code) || error.status === 500;
      throw unknown ? lost(error.message, error) : error;
    }
    if (truncated && (next === undefined || next === token)) throw lost('it tells a part of the changes and no way on');
    token = truncated ? next : undefined;
  }
  const all = [...seen.values()];
  for (let at = 0; at < all.length; at += PAGE) yield { entries: all.slice(at, at + PAGE) };
}

/** No state has been seen yet. */
const FROM_THE_BEGINNING = 'sync:';

function lost(why: string, cause?: unknown): Fault {
  return new Fault('cursor-lost', `the server does not know the token any more: ${why}`, {
    next: 'the collection is listed instead',
    ...(cause !== undefined && { cause }),
  });
}
