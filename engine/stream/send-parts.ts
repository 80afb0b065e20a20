/** The parts of a large file, each streamed from one side to the other at the rates of both, and acknowledged. */
import type { Upload } from '../../connectors/contract.js';
import { FileDigest } from '../../connectors/kinds/file-digest.js';
import type { Saved, WholeDigest } from '../../connectors/kinds/whole-digest.js';
import { createWholeDigest } from '../../connectors/kinds/whole-digest.js';
import type { ItemRow } from '../../ledger/items.js';
import type { UploadPart, UploadRow } from '../../ledger/uploads.js';
import { acknowledgePart } from '../../ledger/uploads.js';
import type { FileUnderWay } from '../../words/progress.js';
import { uploadsOf } from '../carry/pair.js';
import type { SharedFile } from '../carry/shared-parts.js';
import { acquire } from '../slice/rate-limit.js';
import { content, cutShort } from './content.js';
import type { Large } from './large.js';

/**
 * Sends what the target has not acknowledged: one part after the other, or, where the target takes them in any order, with
 * the help of connections that have nothing else to do. Returns false when the slice ended before the last part.
 */
export async function sendParts(
  large: Large,
  item: ItemRow,
  row: UploadRow,
  upload: Upload,
  sent: readonly UploadPart[],
): Promise<boolean> {
  const { slice, shared, uploads } = large;
  const { carrying } = slice.tally;
  const done = new Set(sent.map(({ part }) => part));
  const count = Math.ceil(row.bytes / row.partBytes);
  const left = Array.from({ length: count }, (_, part) => part).filter((part) => !done.has(part));
  const whole = asksWhole(large) ? await createWholeDigest(savedIn(row)) : undefined;
  const shown = { path: row.path, bytes: row.bytes, done: sent.reduce((sum, part) => sum + part.bytes, 0) };
  const sending: Promise<void>[] = [];
  // A part is written down while the next one is on its way.
  let acknowledged = Promise.resolve();
  let broken = false;
  const file: SharedFile = {
    async sendNext(pair) {
      // One part at least, however short the slice is.
      const over = slice.asked() || (sending.length > 0 && slice.ending());
      const part = over || broken ? undefined : left.shift();
      if (part === undefined) return false;
      const one = sendPart({ ...large, pair, uploads: uploadsOf(pair) }, item, row, upload, part, whole, shown).then(
        async ({ state, ...done }) => {
          const before = acknowledged;
          acknowledged = before.then(() => acknowledgePart(slice.deps.ledger, slice.lease, row.id, done, state));
          // Thrown below; until then no other part is begun.
          acknowledged.catch(() => (broken = true));
          await before;
        },
      );
      sending.push(one);
      try {
        await one;
      } catch (error) {
        broken = true;
        throw error;
      }
      return true;
    },
  };
  // The hash of the whole goes from the first byte to the last.
  if (uploads.anyOrder && !whole && left.length > 1) shared.offer(file);
  carrying.add(shown);
  try {
    while (await file.sendNext(large.pair));
    shared.withdraw(file);
    await Promise.all(sending);
    await acknowledged;
    return left.length === 0;
  } catch (error) {
    if (large.cut.short) return false;
    throw error;
  } finally {
    shared.withdraw(file);
    // Whoever helps must be done before the file is settled, one way or the other.
    await Promise.allSettled([...sending, acknowledged]);
    carrying.delete(shown);
  }
}

interface SentPart extends UploadPart {
  /** To go on with the hash of the whole behind this part. */
  readonly state: Saved | undefined;
}

async function sendPart(
  large: Large,
  item: ItemRow,
  row: UploadRow,
  upload: Upload,
  part: number,
  whole: WholeDigest | undefined,
  shown: FileUnderWay,
): Promise<SentPart> {
  const { slice, bound, uploads, stop } = large;
  const from = part * row.partBytes;
  const bytes = Math.min(row.partBytes, row.bytes - from);
  const file = new FileDigest();
  // What it covers already is sent for a second time: the target lost it.
  const hash = whole?.bytes === from ? whole : undefined;
  const admitted = paidFor(large, content(large, item, from, bytes), (chunk) => {
    shown.done += chunk.length;
    hash?.update(chunk);
  });
  slice.assertHeld();
  try {
    await uploads.send(bound.target, upload, part, file.through(admitted), stop);
    const blocks = Buffer.concat(await file.blocks());
    return { part, bytes, blocks, state: hash?.save(from + bytes === row.bytes) };
  } finally {
    file.end();
  }
}

async function* paidFor(
  large: Large,
  stream: AsyncIterable<Uint8Array>,
  passed: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    const admitted = acquire(large.lasting, 'target', 0, chunk.length);
    if (admitted !== true && !(await admitted)) throw cutShort(large);
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
