/** The reading half of a move: content from the source, digested, gathered into chunks that fit a batch. */
import type { ItemRow } from '../../ledger/items.js';
import { nextItems, setRanks } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Entry } from '../decide/fitting.js';
import { fitItem } from '../decide/fitting.js';
import type { Channel } from '../session/channel.js';
import { acquire, largestBatch } from '../slice/rate-limit.js';
import type { Slice } from '../slice/slice.js';
import { noteContainer } from '../slice/tally.js';
import { markContainerGone } from '../survey/mark-container-gone.js';
import type { Destination } from '../write/destination.js';
import { refuseContainer } from '../write/refuse-container.js';
import type { Result } from '../write/results.js';
import { settle } from '../write/results.js';
import { readItems, unreadKey } from './read-items.js';

/** What travels in one batch. Its bytes are acquired from the byte budget and released by whoever settles it. */
export interface Chunk {
  readonly to: Destination;
  readonly op: Transfer;
  readonly entries: readonly Entry[];
  readonly bytes: number;
}

/** What is to do with the items of a chunk: their content travels in both cases. */
export type Transfer = 'create' | 'update';

const PAGE_ITEMS = 1_000;

/** Reads everything to create or update, container by container, until the slice ends; then ends the channel. */
export async function feed(
  slice: Slice,
  op: Transfer,
  destinations: readonly Destination[],
  chunks: Channel<Chunk>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const to of destinations) if (!(await feedContainer(slice, op, to, chunks, signal))) break;
    chunks.end();
  } catch (error) {
    chunks.end(error);
  }
}

async function feedContainer(
  slice: Slice,
  op: Transfer,
  to: Destination,
  chunks: Channel<Chunk>,
  signal: AbortSignal,
): Promise<boolean> {
  noteContainer(slice.tally, to.row.path);
  for (let after: ItemRow | undefined; ; ) {
    if (slice.ending() || signal.aborted) return false;
    const items = await nextItems(slice.deps.ledger.pool, to.row.id, op, after, PAGE_ITEMS, slice.maxRank);
    if (items.length === 0) return true;
    if (to.refused !== undefined) {
      await refuseContainer(slice, to.row, op, to.refused);
      return true;
    }
    const wanted = items.filter(({ key }) => !slice.unread.has(unreadKey(to.row.id, key)));
    if (!(await feedPage(slice, op, to, wanted, chunks, signal))) return false;
    after = items.at(-1);
  }
}

async function feedPage(
  slice: Slice,
  op: Transfer,
  to: Destination,
  items: readonly ItemRow[],
  chunks: Channel<Chunk>,
  signal: AbortSignal,
): Promise<boolean> {
  const { byteBudget, settings } = slice.deps;
  const { id } = to.row;
  const refused: Result[] = [];
  const postponed: { key: string; rank: number }[] = [];
  let entries: Entry[] = [];
  let bytes = 0;
  const flush = async (): Promise<boolean> => {
    if (entries.length === 0) return true;
    const chunk = { to, op, entries, bytes };
    entries = [];
    bytes = 0;
    if (await chunks.put(chunk)) return true;
    byteBudget.release(chunk.bytes);
    return false;
  };
  try {
    for await (const read of readItems(slice, slice.source, to.row, items, signal)) {
      if ('settled' in read) {
        refused.push(read.settled);
        continue;
      }
      const { item } = read;
      const fitting = fitItem(slice, item, read.body, read.notes);
      if ('settled' in fitting) {
        refused.push(fitting.settled);
        continue;
      }
      if ('rank' in fitting) {
        postponed.push({ key: item.key, rank: fitting.rank });
        continue;
      }
      const size = fitting.entry.bytes;
      const most = largestBatch(slice, 'target', { items: settings.batchItems, bytes: settings.batchBytes });
      if (entries.length >= lotLimit(item.tries, most.items) || bytes + size > most.bytes)
        if (!(await flush())) return false;
      // A reader that must wait for room hands over what it holds first: waiting with full hands could wait for ever.
      if (!byteBudget.tryAcquire(size)) {
        if (!(await flush())) return false;
        await byteBudget.acquire(size, signal);
      }
      entries.push(fitting.entry);
      bytes += size;
      if (!(await acquire(slice, 'source', 1, size)) || slice.ending()) break;
    }
    if (!(await flush())) return false;
    return !slice.ending();
  } catch (error) {
    // The whole container went away between survey and now: what was not read of it is gone from the source.
    if (!(await markContainerGone(slice, error, to.row.key, signal))) throw error;
    return flush();
  } finally {
    // Room taken for a chunk that was never handed over.
    if (bytes > 0) byteBudget.release(bytes);
    if (postponed.length > 0) await fenced(slice.deps.ledger, slice.lease, (sql) => setRanks(sql, id, postponed));
    await settle(slice, id, refused);
  }
}

/** Items that were in doubt before travel in smaller chunks, and at last alone. */
function lotLimit(tries: number, batchItems: number): number {
  return Math.max(1, Math.ceil(batchItems / 10 ** (tries * 2)));
}
