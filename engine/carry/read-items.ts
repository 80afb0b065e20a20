/**
 * Reads content from a source that may not give all of it. An item that cannot be read is tried again in later slices,
 * after the others, and then quarantined with the system's words.
 */
import type { Body, Described, ItemRef, Refused, Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { writeEvent } from '../../ledger/events.js';
import type { ItemRow } from '../../ledger/items.js';
import { countTries } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import { coversItem } from '../select/selecting.js';
import type { Slice } from '../slice/slice.js';
import { noteTrouble } from '../slice/tally.js';
import { relisted } from '../survey/relist.js';
import type { Result } from '../write/results.js';
import { refusal } from '../write/results.js';
import { leaveOutTold, withTold } from './told.js';

/** What was read of an item, or how it ends without that. */
export type Read = Given | { readonly settled: Result };

/** The item with the size and metadata that its content gave, where its listing did not. */
export interface Given extends Body<unknown> {
  readonly item: ItemRow;
}

/** An item that the source names as the one it cannot give is quarantined after so many tries. */
export const MAX_READS = 3;
/** Where a whole read fails the source does not say for which item: that is found out in ever smaller reads. */
const READ_SIZES = [Number.POSITIVE_INFINITY, 10, 1] as const;
/** Alone, and twice: the connection may have died of something else once. */
const MAX_READS_ALONE = READ_SIZES.length + 1;
/** Sources answer in the order asked, and read ahead of it by no more than that. */
const SUSPECTS = 100;

/**
 * Reads items in the order given, healthy ones first (`nextItems` sorts by tries). Throws what concerns more than one
 * item; by then those that may have caused it are marked, and come later and in smaller reads.
 */
export async function* readItems(
  slice: Slice,
  source: Source<unknown>,
  row: ContainerRow,
  items: readonly ItemRow[],
  signal: AbortSignal,
): AsyncGenerator<Read> {
  const covers = coversItem(slice.selection);
  const left: ItemRow[] = [];
  try {
    for (const group of inReads(items)) {
      for await (const read of readGroup(slice, source, row, group, signal)) {
        if ('settled' in read || !read.item.unread || covers(described(read.item))) yield read;
        else left.push(read.item);
      }
    }
  } finally {
    await leaveOutTold(slice, row, left);
  }
}

async function* readGroup(
  slice: Slice,
  source: Source<unknown>,
  row: ContainerRow,
  group: readonly ItemRow[],
  signal: AbortSignal,
): AsyncGenerator<Read> {
  const { key, path, validity } = row;
  const byKey = new Map(group.map((item) => [item.key, item]));
  const left = new Map(byKey);
  const unread: Refused[] = [];
  try {
    for await (const answer of source.read({ key, path, validity }, group.map(asRef), signal)) {
      left.delete('refused' in answer ? answer.refused : answer.key);
      if (!('refused' in answer)) yield { ...answer, item: withTold(slice, byKey.get(answer.key) as ItemRow, answer) };
      else if (answer.again) unread.push(answer);
      else yield { settled: refusal(answer) };
    }
    for (const key of left.keys()) unread.push({ refused: key, reason: UNANSWERED, again: true });
  } catch (error) {
    if (signal.aborted || left.size === 0 || !mayBeOfOneItem(error)) throw error;
    if (group.length > 1 && isFinal(error)) {
      for (const item of left.values()) yield* readGroup(slice, source, row, [item], signal);
    } else {
      const settled = await suspect(slice, row, group, [...left.values()], error);
      if (!settled) throw error;
      yield { settled };
    }
  }
  yield* await triedAgain(slice, source, row, group, unread);
}

const UNANSWERED = 'the source was asked for it and did not answer';

/** Items in trouble are read in small groups, and at last alone. */
function* inReads(items: readonly ItemRow[]): Generator<readonly ItemRow[]> {
  for (let at = 0; at < items.length; ) {
    const level = levelOf(items[at] as ItemRow);
    const size = READ_SIZES[level] as number;
    let end = at;
    while (end < items.length && end - at < size && levelOf(items[end] as ItemRow) === level) end++;
    yield items.slice(at, end);
    at = end;
  }
}

function levelOf({ tries }: ItemRow): number {
  return Math.min(tries, READ_SIZES.length - 1);
}

/** One of these may have ended the read. Returns how it ends, where it was alone often enough. */
async function suspect(
  { deps, lease }: Slice,
  row: ContainerRow,
  group: readonly ItemRow[],
  left: readonly ItemRow[],
  error: Error,
): Promise<Result | undefined> {
  const first = left[0] as ItemRow;
  if (group.length === 1) {
    if (error instanceof Fault && error.code === 'refused')
      return refusal({ refused: first.key, reason: error.message });
    if (isFinal(error) || first.tries + 1 >= MAX_READS_ALONE) return unreadable(first, wordsOf(error));
  }
  const suspects = left.slice(0, SUSPECTS).filter((item) => levelOf(item) === levelOf(first));
  const keys = suspects.map(({ key }) => key);
  await fenced(deps.ledger, lease, (sql) => countTries(sql, row.id, keys));
  return undefined;
}

/** What another try of the whole does not mend; each is asked for by itself at once. */
function isFinal(error: Error): boolean {
  return !(error instanceof Fault) || FINAL.has(error.code);
}

function mayBeOfOneItem(error: unknown): error is Error {
  if (!(error instanceof Fault)) return error instanceof Error;
  return error.side !== 'target' && (FINAL.has(error.code) || PASSING.has(error.code));
}

const FINAL: ReadonlySet<string> = new Set(['refused', 'conflict', 'internal']);
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'source-changed']);

/** Of our own errors only the name is reported: the message may quote the item's content. */
function wordsOf(error: Error): string {
  return error instanceof Fault
    ? error.message
    : `our own error (${error.name}); report it with the type of the source`;
}

/** Those that the source could not give now: quarantined, or left to a later slice. */
async function triedAgain(
  slice: Slice,
  source: Source<unknown>,
  row: ContainerRow,
  group: readonly ItemRow[],
  unread: readonly Refused[],
): Promise<readonly Read[]> {
  if (unread.length === 0) return [];
  const byKey = new Map(group.map((item) => [item.key, item]));
  // Nothing came at all: a source that is away says so when it is asked for something else.
  const first = byKey.get(unread[0]?.refused ?? '');
  if (unread.length === group.length && first) await relisted(slice, source, row, first);
  const given: Read[] = [];
  const again: ItemRow[] = [];
  for (const { refused, reason } of unread) {
    const item = byKey.get(refused) as ItemRow;
    if (item.tries + 1 >= MAX_READS) given.push({ settled: unreadable(item, reason) });
    else again.push(item);
  }
  await leaveUnread(slice, row, again, unread[0]?.reason ?? '');
  return given;
}

/** A try is counted for each, and the slice does not ask for them again. */
export async function leaveUnread(
  { deps, lease, input, unread, tally }: Slice,
  { id }: Pick<ContainerRow, 'id'>,
  items: readonly ItemRow[],
  reason: string,
): Promise<void> {
  if (items.length === 0) return;
  const keys = items.map(({ key }) => key);
  await fenced(deps.ledger, lease, (sql) => countTries(sql, id, keys));
  for (const key of keys) unread.add(unreadKey(id, key));
  tally.items += items.length;
  const words = deps.redact(reason);
  noteTrouble(tally, `${words} (tried again)`, items.length);
  await writeEvent(deps.ledger.pool, input, 'warn', 'the source does not give some items now; they are tried again', {
    container: id,
    items: items.length,
    reason: words,
  });
}

export function unreadKey(container: number, key: string): string {
  return `${container} ${key}`;
}

export function unreadable({ key, tries }: ItemRow, words: string): Result {
  const reason = `quarantined: it could not be read from the source, tried ${tries + 1} times: ${words}`;
  return { key, todo: null, outcome: 'quarantined', reason };
}

/** As its listing had it; of one that is unread sizes and metadata are none, or of an earlier version. */
function asRef(item: ItemRow): ItemRef {
  const { bytes: _, meta: __, ...untold } = described(item);
  return item.unread ? untold : described(item);
}

export function described({ key, version, bytes, rank, meta, unstable }: ItemRow): Described {
  return { key, version, bytes, rank, meta, ...(unstable && { unstable }) };
}
