/**
 * One large file: in parts, each acknowledged in the ledger with the digests of its blocks, so that any process goes on
 * where the last one ended; then put in its place as a step of its own. All parts are of one version of the source.
 */
import { randomUUID } from 'node:crypto';
import type { Conflicted, ItemRef, TargetContainer, Upload, Uploads, WriteAnswer } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import { digestStream, FileDigest } from '../connectors/file-digest.js';
import { digestOfBlocks } from '../connectors/files.js';
import { writeOutcomes } from '../ledger/events.js';
import type { ItemRow, Settlement } from '../ledger/items.js';
import { settleItems, settleUnchanged, stageItems } from '../ledger/items.js';
import { fenced } from '../ledger/leases.js';
import type { UploadPart, UploadRow } from '../ledger/uploads.js';
import {
  acknowledgePart,
  endUpload,
  forgetParts,
  partsOf,
  readUpload,
  startFinishing,
  startUpload,
} from '../ledger/uploads.js';
import type { Carriage, Pair, Placed } from './carry.js';
import { placedItem } from './carry.js';
import { asRef } from './feed.js';
import { relisted } from './relist.js';
import type { Ruling } from './ruling.js';
import { rule } from './ruling.js';
import { exceptions, reasonOf, settleRefused } from './settle.js';
import type { Slice } from './slice.js';
import { spend } from './spend.js';

/** A file that changes each time it is read is left to the next run. */
const ROUNDS = 3;

/** Carries one large file as far as the slice lasts. What is left of it the next slice goes on with. */
export async function carryLarge(carriage: Carriage, pair: Pair, item: ItemRow): Promise<void> {
  const { slice, to, op } = carriage;
  const refused: Settlement[] = [];
  const [placed] = placedItem(carriage, item, refused);
  await settleRefused(slice, to.row.id, refused);
  if (!placed) return;
  const open = await to.open(pair.target);
  const large: Large = {
    ...carriage,
    pair,
    container: open.bound.target,
    uploads: uploadsOf(pair),
    lasting: { ...slice, ending: slice.asked },
    cut: { short: false },
  };
  let now = placed;
  for (let round = 1; ; round++) {
    try {
      if (op === 'update' && (await isUnchanged(large, now))) return;
      return await send(large, now);
    } catch (error) {
      if (!(error instanceof Fault) || (error.code !== 'source-changed' && error.code !== 'not-found')) throw error;
      if (error.side === 'target') throw error;
      const fresh = await relisted(slice, pair.source, to.row, now.item);
      if (fresh && fresh.version === now.item.version) {
        error.side ??= 'source';
        throw error;
      }
      if (!fresh || round === ROUNDS) return await leave(large, now.item, fresh);
      await fenced(slice.deps.ledger, slice.lease, (sql) =>
        stageItems(sql, to.row.id, [fresh], slice.input.run, slice.rules.edits),
      );
      now = { ...now, item: { ...now.item, version: fresh.version, bytes: fresh.bytes, meta: fresh.meta } };
    }
  }
}

export interface Large extends Carriage {
  readonly pair: Pair;
  readonly container: TargetContainer;
  readonly uploads: Uploads;
  /** The slice, but that its time does not end a part under way: at a low rate none would ever be done. */
  readonly lasting: Slice;
  readonly cut: { short: boolean };
}

function uploadsOf({ target }: Pair): Uploads {
  if (target.uploads) return target.uploads;
  throw new Fault('internal', 'the target takes no large files', { next: 'report this with the type of the target' });
}

/** Gone from the source, or restless. */
async function leave({ slice, to }: Large, item: ItemRow, fresh: ItemRef | undefined): Promise<void> {
  const reason = fresh
    ? 'it changed in the source each time it was read; the next run tries again'
    : 'it is gone from the source; the next run will see that';
  await settleRefused(slice, to.row.id, [{ key: item.key, todo: null, outcome: 'refused', reason }]);
}

/** Touched, but of equal size: read once, for that costs less than to send it again. */
async function isUnchanged(large: Large, { item }: Placed): Promise<boolean> {
  const { slice, to, pair, stop } = large;
  if (item.digest === null || item.outcome === 'conflict' || item.outcome === 'missing') return false;
  const there = await pair.target.sizes?.(large.container, [item.targetRef as string], stop);
  for await (const copy of there ?? []) if (copy.bytes !== item.bytes) return false;
  const { digest } = await digestStream(content(large, item, 0, item.bytes));
  if (digest !== item.digest) return false;
  await fenced(slice.deps.ledger, slice.lease, (sql) => settleUnchanged(sql, to.row.id, [item.key]));
  return true;
}

async function send(large: Large, placed: Placed): Promise<void> {
  const { slice, container, uploads, stop } = large;
  const { ledger } = slice.deps;
  const row = await began(large, placed);
  if (!row) return;
  const upload = asUpload(row, placed.item);
  let parts = await partsOf(ledger.pool, row.id);
  if (row.digest === null) {
    slice.assertHeld();
    await onTarget(uploads.begin(container, upload, stop));
    const there = parts.length > 0 ? await onTarget(uploads.acknowledged(container, upload, stop)) : new Set<number>();
    const kept = parts.filter(({ part }) => there.has(part));
    if (kept.length < parts.length) {
      const numbers = kept.map(({ part }) => part);
      await forgetParts(ledger, slice.lease, row.id, numbers);
    }
    parts = kept;
    if (!(await sendParts(large, placed.item, row, upload, parts))) return;
    parts = await partsOf(ledger.pool, row.id);
  }
  const digest = digestOfBlocks(parts.flatMap(({ blocks }) => blocksIn(blocks)));
  if (row.digest === null) await startFinishing(ledger, slice.lease, row.id, digest);
  await finish(large, placed, row, upload, digest);
}

/** The upload to go on with, or a new one; undefined when what stands in its place has settled the item. */
async function began(large: Large, { item, path }: Placed): Promise<UploadRow | undefined> {
  const { slice, to, uploads, stop } = large;
  const { ledger } = slice.deps;
  const known = await readUpload(ledger.pool, to.row.id, item.key);
  if (known && known.version === item.version && known.path === path) return known;
  if (known) await forget(large, known, item);
  return startUpload(ledger, slice.lease, {
    container: to.row.id,
    key: item.key,
    version: item.version,
    bytes: item.bytes,
    partBytes: await onTarget(uploads.partBytes(item.bytes, stop)),
    path,
    token: randomUUID(),
  });
}

/** Takes an upload out of the target, then out of the ledger. */
async function forget({ slice, container, uploads, stop }: Large, row: UploadRow, item: ItemRow): Promise<void> {
  slice.assertHeld();
  await onTarget(uploads.abort(container, asUpload(row, item), stop));
  await fenced(slice.deps.ledger, slice.lease, (sql) => endUpload(sql, row.id));
}

/** False: the slice ended before the last part. */
async function sendParts(
  large: Large,
  item: ItemRow,
  row: UploadRow,
  upload: Upload,
  sent: readonly UploadPart[],
): Promise<boolean> {
  const { slice, container, uploads, stop } = large;
  const { carrying } = slice.tally;
  const done = new Set(sent.map(({ part }) => part));
  const shown = { path: row.path, bytes: row.bytes, done: sent.reduce((sum, part) => sum + part.bytes, 0) };
  carrying.add(shown);
  try {
    for (let part = 0; part * row.partBytes < row.bytes; part++) {
      if (done.has(part)) continue;
      if (slice.ending()) return false;
      const from = part * row.partBytes;
      const bytes = Math.min(row.partBytes, row.bytes - from);
      const file = new FileDigest();
      const streamed = digested(large, content(large, item, from, bytes), file, (more) => {
        shown.done += more;
      });
      slice.assertHeld();
      await onTarget(uploads.send(container, upload, part, streamed, stop));
      const blocks = Buffer.concat(await file.blocks());
      await acknowledgePart(slice.deps.ledger, slice.lease, row.id, { part, bytes, blocks });
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
async function* content(large: Large, item: ItemRow, from: number, bytes: number): AsyncGenerator<Uint8Array> {
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
  passed: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    await file.update(chunk);
    if (!(await spend(large.lasting, 'target', 0, chunk.length))) throw cutShort(large);
    passed(chunk.length);
    large.slice.tally.bytes += chunk.length;
    yield chunk;
  }
}

/** Puts the file in its place, and settles the item by what the target answers. */
async function finish(large: Large, placed: Placed, row: UploadRow, upload: Upload, digest: string): Promise<void> {
  const { slice, container, uploads, stop, op } = large;
  const { item } = placed;
  let ruling: Ruling = { to: 'again', version: op === 'update' ? (item.targetVersion ?? undefined) : undefined };
  for (let round = 1; ruling.to === 'again'; round++) {
    slice.assertHeld();
    const answer = await put(large, row, uploads.finish(container, upload, ruling.version, stop));
    if (answer === undefined) return;
    if (!('conflicted' in answer)) return settle(large, placed, row, digest, answer, ruling.conflict);
    ruling = await rule(large, placed, digest, answer.ref ?? row.path, round);
  }
  await forget(large, row, item);
  await settleAs(large, ruling.settlement, ruling.settlement.outcome === 'verified' ? undefined : ruling.conflict);
}

/** The parts vanished (an expired upload, a cleaned folder): the file is sent anew, by the next slice. */
async function put(
  { slice }: Large,
  row: UploadRow,
  finishing: Promise<WriteAnswer>,
): Promise<WriteAnswer | undefined> {
  try {
    return await onTarget(finishing);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
    await fenced(slice.deps.ledger, slice.lease, (sql) => endUpload(sql, row.id));
    return undefined;
  }
}

/** It arrived, or the target refuses it for good: then its parts are taken away. */
async function settle(
  large: Large,
  { item, path, notes }: Placed,
  row: UploadRow,
  digest: string,
  answer: Exclude<WriteAnswer, Conflicted>,
  conflict: string | undefined,
): Promise<void> {
  const { slice, to, op } = large;
  const { deps, lease, input } = slice;
  if ('refused' in answer) {
    await forget(large, row, item);
    const reason = deps.redact(answer.reason);
    return settleAs(large, { key: item.key, todo: null, outcome: 'refused', reason }, undefined);
  }
  const settled: Settlement = {
    key: item.key,
    todo: 'verify',
    outcome: 'arrived',
    digest,
    ref: answer.ref ?? path,
    version: answer.version ?? '',
    made: op === 'create' ? 'created' : 'updated',
    bytes: item.bytes,
    base: answer.meta ?? item.meta,
    ...reasonOf([...notes, ...(answer.notes ?? [])]),
  };
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, to.row.id, [settled], input.run);
    await endUpload(sql, row.id);
    const said = { container: to.row.id, key: item.key };
    const updated = op === 'update' ? [{ ...said, what: 'updated' }] : [];
    await writeOutcomes(sql, input, conflict ? [{ ...said, what: 'conflict', reason: conflict }] : updated);
  });
  slice.tally.arrived++;
  slice.tally.items++;
}

/** Nothing of ours was put there. */
async function settleAs({ slice, to }: Large, settled: Settlement, conflict: string | undefined): Promise<void> {
  const { deps, lease, input } = slice;
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, to.row.id, [settled], input.run);
    const said = { container: to.row.id, key: settled.key };
    const told = conflict ? [{ ...said, what: 'conflict', reason: conflict }] : exceptions(to.row.id, [settled]);
    await writeOutcomes(sql, input, told);
  });
  if (settled.outcome === 'verified') slice.tally.verified++;
  else if (settled.outcome !== 'skipped') slice.tally.failures++;
  slice.tally.items++;
}

function asUpload({ token, path, bytes, partBytes }: UploadRow, { meta }: ItemRow): Upload {
  return { token, path, bytes, partBytes, meta };
}

const DIGEST_BYTES = 32;

function blocksIn(blocks: Buffer): Buffer[] {
  const count = blocks.length / DIGEST_BYTES;
  return Array.from({ length: count }, (_, at) => blocks.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES));
}

/** Says whose fault it is, where nobody has said so. */
async function onTarget<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof Fault) error.side ??= 'target';
    throw error;
  }
}
