/**
 * Files on their way. Each pair of connections, one to either side, takes what is next: small files in chunks, which are
 * read and then written, and large ones alone, which stream through it.
 */
import type { Target } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import { LARGE_BYTES } from '../connectors/kinds/files.js';
import type { ContainerRow } from '../ledger/containers.js';
import type { ItemRow } from '../ledger/items.js';
import { nextItems, sizeToDo } from '../ledger/items.js';
import type { Ready } from './carry/carry-small.js';
import { deliverSmall, putDown, readSmall, weightOf } from './carry/carry-small.js';
import type { Transfer } from './carry/feed.js';
import type { Pair } from './carry/pair.js';
import type { Carrying } from './carry/placing.js';
import { unreadKey } from './carry/read-items.js';
import { SharedParts } from './carry/shared-parts.js';
import { twinsIn } from './carry/twins.js';
import type { Names } from './select/names.js';
import { createNames } from './select/names.js';
import { withLanes } from './session/lanes.js';
import { serialized } from './session/serialized.js';
import { largestBatch } from './slice/rate-limit.js';
import type { Slice } from './slice/slice.js';
import { noteContainer } from './slice/tally.js';
import { carryLarge } from './stream/carry-large.js';
import { createDestination } from './write/destination.js';

const PAGE_ITEMS = 1_000;
/** Few enough that all connections have something to do to the end. */
const CHUNK_ITEMS = 64;
/** So many bytes are worth another connection. */
const LANE_BYTES = 64 * 1024 * 1024;

/** `stopped` is asked after each chunk whether the others should go on: too many failures end the slice. */
export async function carry(
  slice: Slice,
  op: Transfer,
  rows: readonly ContainerRow[],
  stopped: () => Promise<boolean>,
): Promise<void> {
  for (const row of rows) {
    if (slice.asked()) return;
    const { items, bytes } = await sizeToDo(slice.deps.ledger.pool, row.id, op, slice.lanes() * CHUNK_ITEMS);
    const paying = Math.max(Math.ceil(items / CHUNK_ITEMS), Math.ceil(bytes / LANE_BYTES));
    const further = Math.min(slice.lanes(), paying) - 1;
    const stop = new AbortController();
    const carriage = {
      slice,
      op,
      to: createDestination(slice, row),
      stop: AbortSignal.any([slice.signal, stop.signal]),
      shared: new SharedParts(),
    };
    await withLanes(further, slice.lane, (targets) =>
      withLanes(targets.length, slice.sourceLane, async (sources) => {
        const pairs = [
          { source: slice.source, target: slice.target },
          ...sources.map((source, at) => ({ source, target: targets[at] as Target<unknown> })),
        ];
        await work(carriage, pairs, stop, stopped);
      }),
    );
  }
}

async function work(
  carriage: Carrying,
  pairs: readonly Pair[],
  stop: AbortController,
  stopped: () => Promise<boolean>,
): Promise<void> {
  const take = taking(carriage);
  const results = await Promise.allSettled(
    pairs.map(async (pair) => {
      try {
        await workOff(carriage, pair, take, async () => {
          if (!(await stopped())) return false;
          stop.abort(new Fault('unavailable', ANOTHER));
          return true;
        });
      } catch (error) {
        stop.abort(new Fault('unavailable', ANOTHER));
        throw error;
      }
    }),
  );
  // What was only cut off by the first failure says nothing.
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const first = failures.find((error) => !(error instanceof Fault && error.message === ANOTHER));
  if (first !== undefined) throw first;
}

const ANOTHER = 'the slice was ended by another of its connections';

/** One pair's share. While small files are written to the target, the next ones are read from the source. */
async function workOff(
  carriage: Carrying,
  pair: Pair,
  take: () => Promise<Chunk | undefined>,
  stopped: () => Promise<boolean>,
): Promise<void> {
  const { shared } = carriage;
  const next = async (): Promise<Large | Ready | undefined> => {
    const chunk = await take();
    return chunk && 'small' in chunk ? readSmall({ ...carriage, names: chunk.names }, pair, chunk.small) : chunk;
  };
  let coming: ReturnType<typeof next> | undefined = next();
  try {
    for (let now = await coming; now; now = await coming) {
      coming = undefined;
      if ('large' in now) {
        const { large, names } = now;
        await shared.during(() => carryLarge({ ...carriage, names }, pair, large));
        if (await stopped()) return;
        coming = next();
      } else {
        coming = next();
        // It is waited for above or below.
        coming.catch(() => {});
        await deliverSmall(carriage, pair, now);
        if (await stopped()) return;
      }
    }
  } finally {
    const left = await coming?.catch(() => undefined);
    if (left && 'entries' in left) await putDown(carriage, left);
  }
  await shared.help(pair);
}

interface Large {
  readonly large: ItemRow;
  readonly names: Names;
}

type Chunk = Large | { readonly small: readonly ItemRow[]; readonly names: Names };

/** Hands out chunks in the order of the ledger, one caller at a time; undefined at the end. */
function taking({ slice, op, to, stop }: Carrying): () => Promise<Chunk | undefined> {
  const { ledger, settings } = slice.deps;
  const rules = slice.target.names ?? {};
  let names: Names | undefined;
  let page: ItemRow[] = [];
  let after: ItemRow | undefined;
  let last = false;
  let taken = false;
  const turn = serialized();
  const take = async (): Promise<Chunk | undefined> => {
    // Each slice takes something, however short it is: else none would come to an end.
    if (stop.aborted || slice.asked() || (taken && slice.ending())) return undefined;
    taken = true;
    while (page.length === 0 && !last) {
      const next = await nextItems(ledger.pool, to.row.id, op, after, PAGE_ITEMS, slice.maxRank);
      last = next.length < PAGE_ITEMS;
      after = next.at(-1) ?? after;
      page = next.filter(({ key }) => !slice.unread.has(unreadKey(to.row.id, key)));
      // Twins are ordered once, as they stand before the first is placed; where this is all, theirs are enough.
      const all = last ? next.map(({ key }) => key) : undefined;
      names ??= createNames(rules, slice.selection, await twinsIn(ledger.pool, rules, slice.selection, to.row.id, all));
    }
    const [first] = page;
    if (!first || !names) return undefined;
    noteContainer(slice.tally, to.row.path, first.key);
    if (isLarge(first)) {
      page.shift();
      return { large: first, names };
    }
    const most = largestBatch(slice, 'target', {
      items: first.tries > 0 ? 1 : Math.min(CHUNK_ITEMS, settings.batchItems),
      bytes: settings.batchBytes,
    });
    const small: ItemRow[] = [];
    let bytes = 0;
    for (let item = page[0]; item && !isLarge(item) && small.length < most.items; item = page[0]) {
      if (small.length > 0 && bytes + weightOf(item) > most.bytes) break;
      bytes += weightOf(item);
      small.push(page.shift() as ItemRow);
    }
    return { small, names };
  };
  return () => turn(take);
}

/** What differs from one reading to the next cannot be carried in parts: it is held as a whole, whatever its size. */
const isLarge = (item: ItemRow): boolean => !item.unstable && !item.unread && item.bytes > LARGE_BYTES;
