/**
 * One large file: in parts, each acknowledged in the ledger with the digests of its blocks, so that any process goes on
 * where the last one ended; then put in its place as a step of its own. All parts are of one version of the source.
 */
import { randomUUID } from 'node:crypto';
import type { ItemRef } from '../../connectors/contract.js';
import { Fault, saidBy } from '../../connectors/errors.js';
import { digestStream } from '../../connectors/kinds/file-digest.js';
import type { FileMeta } from '../../connectors/kinds/files.js';
import { digestOfBlocks, emptyBody } from '../../connectors/kinds/files.js';
import { hasDepartedOf } from '../../ledger/departed.js';
import type { ItemRow } from '../../ledger/items.js';
import { settleUnchanged, stageItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { UploadRow } from '../../ledger/uploads.js';
import { endUpload, forgetParts, partsOf, readUpload, startFinishing, startUpload } from '../../ledger/uploads.js';
import type { Pair } from '../carry/pair.js';
import { uploadsOf } from '../carry/pair.js';
import type { Carriage, WithPath } from '../carry/placing.js';
import { placedItem } from '../carry/placing.js';
import { leaveUnread, MAX_READS, unreadable } from '../carry/read-items.js';
import { moveKnown } from '../carry/renamed.js';
import { relisted } from '../survey/relist.js';
import { moveDeparted } from '../write/departed.js';
import type { Result } from '../write/results.js';
import { settle } from '../write/results.js';
import { content } from './content.js';
import { asUpload, finish, forget, settleAs } from './finish-upload.js';
import type { Large } from './large.js';
import { settledByWhatStands } from './resolve-upload.js';
import { sendParts } from './send-parts.js';

/** A file that changes each time it is read is left to the next run. */
const ROUNDS = 3;

/** Carries one large file as far as the slice lasts. What is left of it the next slice goes on with. */
export async function carryLarge(carriage: Carriage, pair: Pair, item: ItemRow): Promise<void> {
  const { slice, to, op, stop } = carriage;
  const refused: Result[] = [];
  const [placed] = placedItem(carriage, item, refused);
  await settle(slice, to.row.id, refused);
  if (!placed) return;
  const open = await to.open(pair.target);
  const large: Large = {
    ...carriage,
    pair,
    bound: open.bound,
    uploads: uploadsOf(pair),
    lasting: { ...slice, ending: slice.asked },
    cut: { short: false },
  };
  let now = placed;
  const before = await partsThere(large, item);
  for (let round = 1; ; round++) {
    try {
      if (await (op === 'update' ? isUnchanged(large, now) : isMoved(large, now))) return;
      return await send(large, now);
    } catch (error) {
      if (large.cut.short) return;
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'refused') return await giveUp(large, now.item, 'refused', saidBy(error));
      // A file stands where a folder has to be: looked at again in each run, as any other conflict.
      if (error.code === 'conflict' && error.side === 'target')
        return await giveUp(large, now.item, 'conflict', saidBy(error));
      if (error.code === 'not-found' && error.side === 'target') {
        // Whatever takes them away does so again; what comes behind this file must not wait for it.
        if (round === ROUNDS) return await giveUp(large, now.item, 'refused', saidBy(error));
        await lost(large, now.item);
        continue;
      }
      if (error.side === 'source' && error.code === 'unavailable' && !stop.aborted)
        return await unread(large, now.item, error, before);
      if (error.side === 'target' || (error.code !== 'source-changed' && error.code !== 'not-found')) throw error;
      const fresh = await relisted(slice, pair.source, to.row, now.item);
      if (fresh && fresh.version === now.item.version) throw error;
      if (!fresh || round === ROUNDS) return await leave(large, now.item, fresh);
      await fenced(slice.deps.ledger, slice.lease, (sql) =>
        stageItems(sql, to.row.id, [fresh], slice.run, slice.rules.edits),
      );
      now = { ...now, item: { ...now.item, version: fresh.version, bytes: fresh.bytes ?? 0, meta: fresh.meta ?? {} } };
    }
  }
}

/** The target lost what it had of the parts (an expired upload, a folder that somebody removed): all are sent anew. */
async function lost({ slice, to }: Large, { key }: ItemRow): Promise<void> {
  const { ledger } = slice.deps;
  const known = await readUpload(ledger.pool, to.row.id, key);
  if (known) await fenced(ledger, slice.lease, (sql) => endUpload(sql, known.id));
}

/** The source answers, and does not give this file: it is left to a later slice, some times. */
async function unread(large: Large, item: ItemRow, error: Fault, before: number): Promise<void> {
  const { slice, pair, to } = large;
  // Throws where the source is away altogether.
  await relisted(slice, pair.source, to.row, item);
  // A line that breaks now and then carries it all the same, part by part.
  if ((await partsThere(large, item)) > before) throw error;
  if (item.tries + 1 < MAX_READS) return leaveUnread(slice, to.row, [item], saidBy(error));
  const { reason } = unreadable(item, saidBy(error));
  await giveUp(large, item, 'quarantined', reason as string);
}

async function partsThere({ slice, to }: Pick<Large, 'slice' | 'to'>, { key }: ItemRow): Promise<number> {
  const known = await readUpload(slice.deps.ledger.pool, to.row.id, key);
  return known ? (await partsOf(slice.deps.ledger.pool, known.id)).length : 0;
}

/** Gone from the source, or restless. */
async function leave(large: Large, item: ItemRow, fresh: ItemRef | undefined): Promise<void> {
  const reason = fresh
    ? 'it changed in the source each time it was read; the next run tries again'
    : 'it is gone from the source; the next run will see that';
  await giveUp(large, item, 'refused', reason);
}

/** What was sent of it goes, too: there may be no other run. After a crash in between `clearUploads` does it. */
async function giveUp(
  large: Large,
  { key }: ItemRow,
  outcome: 'refused' | 'quarantined' | 'conflict',
  reason: string,
): Promise<void> {
  const { slice, to } = large;
  await settle(slice, to.row.id, [{ key, todo: null, outcome, reason }]);
  const known = await readUpload(slice.deps.ledger.pool, to.row.id, key);
  if (known) await forget(large, known);
}

/** Touched, but of equal size: read once, for that costs less than to send it again. */
async function isUnchanged(large: Large, { item }: WithPath): Promise<boolean> {
  const { slice, to, pair, bound, stop } = large;
  // An edit that is being put in its place may stand there: what the source has now is compared with that.
  const known = await readUpload(slice.deps.ledger.pool, to.row.id, item.key);
  if (known?.digest != null) return false;
  if (item.digest === null || item.outcome === 'conflict' || item.outcome === 'missing') return false;
  const there = await pair.target.sizes?.(bound.target, [item.targetRef as string], stop);
  for await (const copy of there ?? []) if (copy.bytes !== item.bytes) return false;
  const { digest } = await digestStream(content(large, item, 0, item.bytes));
  if (digest !== item.digest) return false;
  await fenced(slice.deps.ledger, slice.lease, (sql) => settleUnchanged(sql, to.row.id, [item.key]));
  return true;
}

/**
 * It may have another name in the source now: told by its id, or, where a file of this size has left the source, by its
 * content, which is read for that.
 */
async function isMoved(large: Large, placed: WithPath): Promise<boolean> {
  const { slice, to, pair } = large;
  const { item, path, notes } = placed;
  const left = await moveKnown(large, pair, [placed]);
  if (left.length === 0) return true;
  if (await readUpload(slice.deps.ledger.pool, to.row.id, item.key)) return false;
  const open = await to.open(pair.target);
  if (!open.hasDeparted || !(await hasDepartedOf(slice.deps.ledger.pool, slice, item.bytes))) return false;
  const { digest } = await digestStream(content(large, item, 0, item.bytes));
  const body = emptyBody(item.meta as FileMeta, path);
  const entry = { item, body, bytes: item.bytes, digest, notes, identities: [], path };
  return (await moveDeparted(slice, open, pair.target, [entry])).length === 0;
}

async function send(large: Large, placed: WithPath): Promise<void> {
  const { slice, to, bound, uploads, stop } = large;
  const { ledger } = slice.deps;
  const known = await readUpload(ledger.pool, to.row.id, placed.item.key);
  // One that is being put in its place may be what stands there.
  const resolution = known?.digest == null ? await settledByWhatStands(large, placed) : undefined;
  if (resolution?.to === 'end') {
    if (known) await forget(large, known);
    return settleAs(large, resolution.result, resolution.result.outcome === 'verified' ? undefined : resolution.reason);
  }
  const row = await began(large, placed, known);
  const upload = asUpload(row);
  let parts = await partsOf(ledger.pool, row.id);
  if (row.digest === null) {
    slice.assertHeld();
    await uploads.begin(bound.target, upload, stop);
    const there = parts.length > 0 ? await uploads.acknowledged(bound.target, upload, stop) : new Set<number>();
    const kept = parts.filter(({ part }) => there.has(part));
    if (kept.length < parts.length) {
      const numbers = kept.map(({ part }) => part);
      await forgetParts(ledger, slice.lease, row.id, numbers);
    }
    if (!(await sendParts(large, placed.item, row, upload, kept))) return;
    parts = await partsOf(ledger.pool, row.id);
  }
  const digest = digestOfBlocks(parts.flatMap(({ blocks }) => blocksIn(blocks)));
  if (row.digest === null) await startFinishing(ledger, slice.lease, row.id, digest);
  const sent = (await readUpload(ledger.pool, to.row.id, row.key)) as UploadRow;
  await finish(large, placed, sent, upload, digest);
}

/** The upload to go on with, or a new one. */
async function began(large: Large, { item, path }: WithPath, known: UploadRow | undefined): Promise<UploadRow> {
  const { slice, to, uploads, stop } = large;
  const { ledger } = slice.deps;
  // One that is being put in its place may have landed, whatever was edited since.
  if (known && (known.digest !== null || (known.version === item.version && known.path === path))) return known;
  if (known) await forget(large, known);
  return startUpload(ledger, slice.lease, {
    container: to.row.id,
    key: item.key,
    version: item.version,
    bytes: item.bytes,
    partBytes: await uploads.partBytes(item.bytes, stop),
    path,
    meta: item.meta,
    token: randomUUID(),
  });
}

const DIGEST_BYTES = 32;

function blocksIn(blocks: Buffer): Buffer[] {
  const count = blocks.length / DIGEST_BYTES;
  return Array.from({ length: count }, (_, at) => blocks.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES));
}
