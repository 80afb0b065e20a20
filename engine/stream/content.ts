/** The content of one large file, read from the source as far as the slice lasts. */
import { Fault } from '../../connectors/errors.js';
import type { ItemRow } from '../../ledger/items.js';
import { described } from '../carry/read-items.js';
import { acquire } from '../slice/rate-limit.js';
import type { Large } from './large.js';

/**
 * A range of the source's file, at the rate that the source's limits allow. The last chunk leaves once the source has
 * said its last word: it may be that the file changed, and a target that has all bytes answers at once.
 */
export async function* content(large: Large, item: ItemRow, from: number, bytes: number): AsyncGenerator<Uint8Array> {
  const { to, pair, stop } = large;
  const { key, path, validity } = to.row;
  const { open } = pair.source;
  if (!open) throw new Fault('internal', 'the source cannot stream files', { next: 'report this with its type' });
  let last: Uint8Array | undefined;
  for await (const chunk of open.call(pair.source, { key, path, validity }, described(item), { from, bytes }, stop)) {
    const admitted = acquire(large.lasting, 'source', 0, chunk.length);
    if (admitted !== true && !(await admitted)) throw cutShort(large);
    if (last) yield last;
    last = chunk;
  }
  if (last) yield last;
}

/** The slice was asked to end in the middle of a part: that part is sent anew. */
export function cutShort({ cut }: Large): Fault {
  cut.short = true;
  return new Fault('unavailable', 'the slice ended in the middle of a file', { next: 'it goes on by itself' });
}
