/** Small files on their way: a chunk of them is read, and then written, while the next is being read. */

import type { FileBody } from '../../connectors/kinds/files.js';
import type { ItemRow } from '../../ledger/items.js';
import type { Entry } from '../decide/fitting.js';
import { acquire } from '../slice/rate-limit.js';
import { markContainerGone } from '../survey/mark-container-gone.js';
import type { Result } from '../write/results.js';
import { settle } from '../write/results.js';
import { deliver } from './deliver.js';
import type { Pair } from './pair.js';
import type { Carriage, Carrying, WithPath } from './placing.js';
import { placedItem } from './placing.js';
import { readItems } from './read-items.js';
import { moveKnown } from './renamed.js';

/** Small files that were read, and may be written. */
export interface Ready {
  readonly entries: readonly Entry[];
  readonly refused: readonly Result[];
  /** Taken of what may be in flight. */
  readonly bytes: number;
}

/** Of what is told only with the content: so much is expected. */
const UNTOLD_BYTES = 4 * 1024 * 1024;

/** What it takes to hold an item, in bytes. */
export function weightOf({ bytes, unread }: ItemRow): number {
  return unread ? UNTOLD_BYTES : bytes;
}

export async function readSmall(carriage: Carriage, pair: Pair, items: readonly ItemRow[]): Promise<Ready> {
  const refused: Result[] = [];
  const placed = items.flatMap((item) => placedItem(carriage, item, refused));
  const bytes = placed.reduce((sum, { item }) => sum + weightOf(item), 0);
  await carriage.slice.deps.byteBudget.acquire(bytes, carriage.stop);
  try {
    const left = carriage.op === 'create' ? await moveKnown(carriage, pair, placed) : placed;
    return { entries: await read(carriage, pair, left, refused), refused, bytes };
  } catch (error) {
    await putDown(carriage, { refused, bytes });
    throw error;
  }
}

export async function deliverSmall(carriage: Carrying, pair: Pair, ready: Ready): Promise<void> {
  const { slice, op, to } = carriage;
  const { entries } = ready;
  try {
    const chunk = { to, op, entries, bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0) };
    if (entries.length > 0) await deliver(slice, pair.target, chunk);
  } finally {
    await putDown(carriage, ready);
  }
}

/** The chunk is done with, whether it was written or not. */
export async function putDown({ slice, to }: Carrying, { refused, bytes }: Omit<Ready, 'entries'>): Promise<void> {
  slice.deps.byteBudget.release(bytes);
  await settle(slice, to.row.id, refused);
}

async function read(
  { slice, to, stop }: Carriage,
  pair: Pair,
  placed: readonly WithPath[],
  refused: Result[],
): Promise<Entry[]> {
  const { rules } = slice;
  const byKey = new Map(placed.map((one) => [one.item.key, one]));
  const entries: Entry[] = [];
  try {
    const items = placed.map(({ item }) => item);
    for await (const answer of readItems(slice, pair.source, to.row, items, stop)) {
      if ('settled' in answer) {
        refused.push(answer.settled);
        continue;
      }
      const { item } = answer;
      const { path: at, notes } = byKey.get(answer.key) as WithPath;
      const body: FileBody = { ...(answer.body as FileBody), path: at };
      const bytes = rules.size(body);
      entries.push({ item, body, bytes, digest: rules.digest(body), notes, identities: [], path: at });
      if (!(await acquire(slice, 'source', 1, bytes))) break;
    }
  } catch (error) {
    if (!(await markContainerGone(slice, error, to.row.key, stop))) throw error;
  }
  return entries;
}
