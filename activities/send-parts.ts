/** The parts of a large file, each streamed from one side to the other at the rates of both, and acknowledged. */
import type { Upload } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import { FileDigest } from '../connectors/file-digest.js';
import { createWholeDigest } from '../connectors/whole-digest.js';
import type { ItemRow } from '../ledger/items.js';
import type { UploadPart, UploadRow } from '../ledger/uploads.js';
import { acknowledgePart } from '../ledger/uploads.js';
import type { Large } from './carry-large.js';
import { asRef } from './feed.js';
import { onTarget } from './sides.js';
import { spend } from './spend.js';

/** Sends what the target has not acknowledged, part by part. False: the slice ended before the last one. */
export async function sendParts(
  large: Large,
  item: ItemRow,
  row: UploadRow,
  upload: Upload,
  sent: readonly UploadPart[],
): Promise<boolean> {
  const { slice, container, uploads, stop } = large;
  const { carrying } = slice.tally;
  const done = new Set(sent.map(({ part }) => part));
  const whole = asksWhole(large) ? await createWholeDigest(savedIn(row)) : undefined;
  const shown = { path: row.path, bytes: row.bytes, done: sent.reduce((sum, part) => sum + part.bytes, 0) };
  carrying.add(shown);
  try {
    for (let part = 0; part * row.partBytes < row.bytes; part++) {
      if (done.has(part)) continue;
      if (slice.ending()) return false;
      const from = part * row.partBytes;
      const bytes = Math.min(row.partBytes, row.bytes - from);
      const file = new FileDigest();
      // What it covers already is sent for a second time: the target lost it.
      const hash = whole?.bytes === from ? whole : undefined;
      const streamed = digested(large, content(large, item, from, bytes), file, (chunk) => {
        shown.done += chunk.length;
        hash?.update(chunk);
      });
      slice.assertHeld();
      await onTarget(uploads.send(container, upload, part, streamed, stop));
      const blocks = Buffer.concat(await file.blocks());
      await acknowledgePart(slice.deps.ledger, slice.lease, row.id, { part, bytes, blocks }, hash?.save());
    }
    return true;
  } catch (error) {
    if (large.cut.short) return false;
    throw error;
  } finally {
    carrying.delete(shown);
  }
}

/** A range of the source's file, at the rate that the source's limits allow. */
export async function* content(large: Large, item: ItemRow, from: number, bytes: number): AsyncGenerator<Uint8Array> {
  const { to, pair, stop } = large;
  const { key, path, validity } = to.row;
  const { open } = pair.source;
  if (!open) throw new Fault('internal', 'the source cannot stream files', { next: 'report this with its type' });
  try {
    for await (const chunk of open.call(pair.source, { key, path, validity }, asRef(item), { from, bytes }, stop)) {
      if (!(await spend(large.lasting, 'source', 0, chunk.length))) throw cutShort(large);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Fault) error.side ??= 'source';
    throw error;
  }
}

/** The slice was asked to end in the middle of a part: that part is sent anew. */
function cutShort({ cut }: Large): Fault {
  cut.short = true;
  return new Fault('unavailable', 'the slice ended in the middle of a file', { next: 'it goes on by itself' });
}

async function* digested(
  large: Large,
  stream: AsyncIterable<Uint8Array>,
  file: FileDigest,
  passed: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    const behind = file.update(chunk);
    if (behind) await behind;
    if (!(await spend(large.lasting, 'target', 0, chunk.length))) throw cutShort(large);
    passed(chunk);
    large.slice.tally.bytes += chunk.length;
    yield chunk;
  }
}

/** Whether the target is asked for checksums of whole files: then they are computed on the way. */
function asksWhole({ slice, pair }: Large): boolean {
  return slice.selection.verify === 'checksum' && pair.target.checksums !== undefined;
}

function savedIn({ hashState, hashed }: UploadRow): { state: Buffer; bytes: number } | undefined {
  return hashState === null ? undefined : { state: hashState, bytes: hashed };
}

/** SHA-256 of the whole file, where all of it was covered. */
export async function wholeDigestOf(row: UploadRow): Promise<string | undefined> {
  const saved = savedIn(row);
  return saved?.bytes === row.bytes ? (await createWholeDigest(saved)).digest() : undefined;
}
