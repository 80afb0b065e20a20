/**
 * Files on their way. Each pair of connections, one to either side, takes what is next: small files in lots, which are
 * read and then written, and large ones alone, which stream through it.
 */
import type { Target } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { FileBody } from '../../connectors/files.js';
import { LARGE_BYTES } from '../../connectors/files.js';
import type { ContainerRow } from '../../ledger/containers.js';
import type { ItemRow, Settlement } from '../../ledger/items.js';
import { nextItems, sizeToDo } from '../../ledger/items.js';
import { deliver } from '../deliver.js';
import { createDestination } from '../destination.js';
import { deliverEdits } from '../edits.js';
import type { Transfer } from '../feed.js';
import { asRef } from '../feed.js';
import type { Entry } from '../fitting.js';
import { inTurn } from '../in-turn.js';
import { withLanes } from '../lanes.js';
import { settleRefused } from '../settle.js';
import type { Slice } from '../slice.js';
import { paced, spend } from '../spend.js';
import { wentAway } from '../went-away.js';
import { carryLarge } from './carry-large.js';
import { createNames, twinsIn } from './names.js';
import type { Carriage, Pair, Placed } from './placing.js';
import { placedItem } from './placing.js';
import { moveKnown } from './renamed.js';
import { SharedParts } from './shared-parts.js';

const PAGE_ITEMS = 1_000;
/** Few enough that all connections have something to do to the end. */
const LOT_ITEMS = 64;
/** For so much another connection pays. */
const LANE_BYTES = 64 * 1024 * 1024;

/** `stopped` is asked after each lot whether the others should go on: too many failures end the slice. */
export async function carry(
  slice: Slice,
  op: Transfer,
  rows: readonly ContainerRow[],
  stopped: () => Promise<boolean>,
): Promise<void> {
  const moved = new Set<string>();
  for (const row of rows) {
    if (slice.asked()) return;
    const rules = slice.target.names ?? {};
    const names = createNames(rules, slice.selection, await twinsIn(slice.deps.ledger.pool, rules, row.id));
    const { items, bytes } = await sizeToDo(slice.deps.ledger.pool, row.id, op);
    const paying = Math.max(Math.ceil(items / LOT_ITEMS), Math.ceil(bytes / LANE_BYTES));
    const further = Math.min(slice.lanes(), paying) - 1;
    const stop = new AbortController();
    const carriage = {
      slice,
      op,
      to: createDestination(slice, row, moved),
      names,
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
  carriage: Carriage,
  pairs: readonly Pair[],
  stop: AbortController,
  stopped: () => Promise<boolean>,
): Promise<void> {
  const take = taking(carriage);
  const results = await Promise.allSettled(
    pairs.map(async (pair) => {
      try {
        for (let lot = await take(); lot; lot = await take()) {
          const { shared } = carriage;
          if ('large' in lot) await shared.during(() => carryLarge(carriage, pair, lot.large));
          else await carrySmall(carriage, pair, lot.small);
          if (await stopped()) return stop.abort(new Fault('unavailable', ANOTHER));
        }
        await carriage.shared.help(pair);
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

type Lot = { readonly small: readonly ItemRow[] } | { readonly large: ItemRow };

/** Hands out lots in the order of the ledger, one caller at a time; undefined at the end. */
function taking({ slice, op, to, stop }: Carriage): () => Promise<Lot | undefined> {
  const { ledger, settings } = slice.deps;
  let page: ItemRow[] = [];
  let after: ItemRow | undefined;
  let last = false;
  let taken = false;
  return inTurn(async (): Promise<Lot | undefined> => {
    // Each slice takes something, however short it is: else none would come to an end.
    if (stop.aborted || slice.asked() || (taken && slice.ending())) return undefined;
    taken = true;
    if (page.length === 0 && !last) {
      page = await nextItems(ledger.pool, to.row.id, op, after, PAGE_ITEMS, slice.maxRank);
      last = page.length < PAGE_ITEMS;
      after = page.at(-1) ?? after;
    }
    const [first] = page;
    if (!first) return undefined;
    if (isLarge(first)) {
      page.shift();
      return { large: first };
    }
    const most = paced(slice, 'target', {
      items: first.tries > 0 ? 1 : Math.min(LOT_ITEMS, settings.batchItems),
      bytes: settings.batchBytes,
    });
    const small: ItemRow[] = [];
    let bytes = 0;
    for (let item = page[0]; item && !isLarge(item) && small.length < most.items; item = page[0]) {
      if (small.length > 0 && bytes + item.bytes > most.bytes) break;
      bytes += item.bytes;
      small.push(page.shift() as ItemRow);
    }
    return { small };
  });
}

const isLarge = (item: ItemRow): boolean => item.bytes > LARGE_BYTES;

async function carrySmall(carriage: Carriage, pair: Pair, items: readonly ItemRow[]): Promise<void> {
  const { slice, op, to } = carriage;
  const { flight } = slice.deps;
  const refused: Settlement[] = [];
  const placed = items.flatMap((item) => placedItem(carriage, item, refused));
  const bytes = placed.reduce((sum, { item }) => sum + item.bytes, 0);
  await flight.take(bytes, carriage.stop);
  try {
    const left = op === 'create' ? await moveKnown(carriage, pair, placed) : placed;
    const entries = await read(carriage, pair, left, refused);
    const lot = { to, op, entries, bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0) };
    if (entries.length > 0) await (op === 'create' ? deliver : deliverEdits)(slice, pair.target, lot);
  } finally {
    flight.give(bytes);
    await settleRefused(slice, to.row.id, refused);
  }
}

async function read(
  { slice, to, stop }: Carriage,
  pair: Pair,
  placed: readonly Placed[],
  refused: Settlement[],
): Promise<Entry[]> {
  const { rules } = slice;
  const { key, path, validity } = to.row;
  const byKey = new Map(placed.map((one) => [one.item.key, one]));
  const entries: Entry[] = [];
  try {
    for await (const answer of pair.source.read(
      { key, path, validity },
      placed.map(({ item }) => asRef(item)),
      stop,
    )) {
      if ('refused' in answer) {
        const outcome = answer.skipped ? 'skipped' : 'refused';
        refused.push({ key: answer.refused, todo: null, outcome, reason: answer.reason });
        continue;
      }
      const { item, path: at, notes } = byKey.get(answer.key) as Placed;
      const body: FileBody = { ...(answer.body as FileBody), path: at };
      const bytes = rules.size(body);
      entries.push({ item, body, bytes, digest: rules.digest(body), notes, identities: [], path: at });
      if (!(await spend(slice, 'source', 1, bytes))) break;
    }
  } catch (error) {
    if (!(await wentAway(slice, error, key, stop))) {
      if (error instanceof Fault) error.side ??= 'source';
      throw error;
    }
  }
  return entries;
}
