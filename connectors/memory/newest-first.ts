/** A listing in no order that can be relied on: the last changed items come first, and pages shift while people work. */
import type { ItemRef, Page } from '../contract.js';
import { Fault } from '../errors.js';
import type { MemoryOptions } from './manifest.js';
import type { ItemOf } from './pages.js';
import { changesOf, pageOf, tokenOf } from './pages.js';
import type { MemoryFolder } from './store.js';

interface Listing extends Omit<MemoryOptions, 'name'> {
  readonly pageItems: number;
  /** Of the connection: another does not know its cursors where they expire. */
  readonly session: string;
  readonly itemOf: ItemOf;
}

/** Each page counts from the beginning as it is when it is asked for. `page` makes a step of what one request does. */
export async function* newestFirst(
  folder: () => MemoryFolder,
  page: <T>(of: () => T) => Promise<T>,
  after: string | undefined,
  listing: Listing,
): AsyncGenerator<Page<ItemRef>> {
  const { pageItems, itemOf, session, cursorsExpire = false, replays = false, tokenLast = false } = listing;
  const begun = (): Cursor => {
    const { modseq, validity } = folder();
    return { from: 0, modseq, validity, ...(cursorsExpire && { session }) };
  };
  const cursor = after === undefined ? begun() : known(after);
  if (cursor === undefined || cursor.session !== begun().session)
    throw new Fault('cursor-lost', 'memory: the listing is not known any more', { next: 'list the folder anew' });
  for (let { from } = cursor, last = false; !last; from += pageItems) {
    yield await page(() => {
      const now = folder();
      const uids = [...now.messages.values()].sort((a, b) => b.modseq - a.modseq).map(({ uid }) => uid);
      const found = pageOf(now, uids.slice(from, from + pageItems), itemOf);
      last = from + pageItems >= uids.length;
      if (!last) return { ...found, cursor: JSON.stringify({ ...cursor, from: from + pageItems }) };
      if (!replays) return { ...found, ...(tokenLast && { token: tokenOf({ ...now, modseq: cursor.modseq }) }) };
      const since = changesOf(now, cursor.modseq, itemOf).entries;
      return {
        entries: [...found.entries, ...since.flatMap((one) => (one.change === 'upsert' ? [one.item] : []))],
        gone: since.flatMap((one) => (one.change === 'gone' ? [one.key] : [])),
        ...(tokenLast && { token: tokenOf(now) }),
      };
    });
  }
}

interface Cursor {
  readonly from: number;
  /** The state before the first page. */
  readonly modseq: number;
  readonly validity: number;
  readonly session?: string;
}

function known(cursor: string): Cursor | undefined {
  try {
    return JSON.parse(cursor);
  } catch {
    return undefined;
  }
}
