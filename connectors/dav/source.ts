/** An account as a source. Only read: PROPFIND, REPORT and GET. */
import type { Body, Change, Container, ItemRef, Page, Refused, Source } from '../contract.js';
import { Fault } from '../errors.js';
import { isAbove } from '../key-order.js';
import type { DavAccount } from './account.js';
import type { Collection } from './collections.js';
import { collectionsOf, syncTokenOf } from './collections.js';
import { describeAccount } from './describe.js';
import { HttpFault } from './faults.js';
import { nameIn, pathOf } from './hrefs.js';
import { getItems, listSorted, versionOf } from './items.js';
import { quietly } from './scheduling.js';
import { document, propsAsked, tag } from './xml.js';

const PAGE = 1_000;

export function createDavSource(account: DavAccount): Source<Buffer> {
  return {
    place: (signal) => account.place(signal),
    describe: (signal) => describeAccount(account, 'source', signal),
    close: () => account.close(),
    async *containers(signal): AsyncIterable<Container> {
      for (const one of await collectionsOf(account, signal)) yield containerOf(one);
    },
    async *list(container, after, signal): AsyncIterable<Page<ItemRef>> {
      await account.home(signal);
      const all = await listSorted(account, container.key, signal);
      const from = after === undefined ? 0 : all.findIndex((one) => isAbove(one.name, after));
      if (from === -1) return;
      for (let at = from; at < all.length; at += PAGE) {
        yield { entries: all.slice(at, at + PAGE).map(({ name, version, bytes }) => refOf(name, version, bytes)) };
      }
    },
    async *changes(container, since, signal): AsyncIterable<Page<Change>> {
      await account.home(signal);
      yield* changesOf(account, container, since, signal);
    },
    async *read(container, refs, signal): AsyncIterable<Body<Buffer> | Refused> {
      await account.home(signal);
      const names = refs.map((ref) => ref.key);
      const refusals = new Map<string, Fault>();
      const refuse = (name: string, fault: Fault): void => void refusals.set(name, fault);
      const without = (name: string): Refused => refusedBy(name, refusals.get(name)) ?? gone(name);
      let at = 0;
      for await (const { name, body } of getItems(account, container.key, names, signal, refuse)) {
        for (; names[at] !== name; at++) yield without(names[at] as string);
        at++;
        yield { key: name, body: quietly.undone(account, body) };
      }
      for (; at < names.length; at++) yield without(names[at] as string);
    },
  };
}

function refusedBy(key: string, fault: Fault | undefined): Refused | undefined {
  return fault && { refused: key, reason: `${fault.message}; look at it in the source, and move it by hand` };
}

function containerOf({ key, path, validity, token, properties }: Collection): Container {
  return { key, path, validity, ...(token !== undefined && { token }), ...(properties && { properties }) };
}

function gone(key: string): Refused {
  return { refused: key, reason: 'the item is gone from the source; the next run will see that' };
}

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
    const asked = propsAsked(['D:getetag', 'D:getcontentlength', 'D:resourcetype']);
    const body = document('D:sync-collection', `${tag('D:sync-token', token)}<D:sync-level>1</D:sync-level>${asked}`);
    let truncated = false;
    let next: string | undefined;
    try {
      for await (const member of account.http.members({ method: 'REPORT', path: key, body }, signal)) {
        if ('syncToken' in member) {
          next = member.syncToken;
          continue;
        }
        const { href, status, props } = member.resource;
        if (status === 507 && pathOf(href) === key) truncated = true;
        const name = nameIn(key, href);
        const etag = props.get('D:getetag')?.text;
        if (name === undefined || (props.get('D:resourcetype')?.children.length ?? 0) > 0) continue;
        // The last word on an item counts: it may turn up on several pages.
        if (status === 404 || status === 410) seen.set(name, { change: 'gone', key: name });
        else if (etag) {
          const bytes = Number(props.get('D:getcontentlength')?.text) || 0;
          seen.set(name, { change: 'upsert', item: refOf(name, versionOf(etag), bytes) });
        } else if (status !== undefined && status >= 400) {
          // It changed, and may not be seen: reading it will say why.
          seen.set(name, { change: 'upsert', item: refOf(name, '', 0) });
        }
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

function lost(why: string, cause?: unknown): Fault {
  return new Fault('cursor-lost', `the server does not know the token any more: ${why}`, {
    next: 'the collection is listed instead',
    ...(cause !== undefined && { cause }),
  });
}
