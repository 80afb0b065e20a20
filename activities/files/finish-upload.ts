/** The last step of a large file: it is put in its place, and its item settled by what the target answers. */
import type { Conflicted, Upload, WriteAnswer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { writeOutcomes } from '../../ledger/events.js';
import type { ItemRow, Settlement } from '../../ledger/items.js';
import { countTries, settleItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { UploadRow } from '../../ledger/uploads.js';
import { endUpload } from '../../ledger/uploads.js';
import { onTarget } from '../sides.js';
import { MAX_TRIES } from '../write/recover.js';
import { exceptions, reasonOf } from '../write/settle.js';
import type { Large } from './carry-large.js';
import { takeAway } from './clear-uploads.js';
import type { Placed } from './placing.js';
import type { Ruling } from './ruling.js';
import { rule } from './ruling.js';
import { wholeDigestOf } from './send-parts.js';

/** Puts the file in its place, and settles the item by what the target answers. */
export async function finish(
  large: Large,
  placed: Placed,
  row: UploadRow,
  upload: Upload,
  digest: string,
): Promise<void> {
  const { slice, container, uploads, stop, op } = large;
  const { item } = placed;
  let ruling: Ruling = { to: 'again', version: op === 'update' ? (item.targetVersion ?? undefined) : undefined };
  for (let round = 1; ruling.to === 'again'; round++) {
    slice.assertHeld();
    const answer = await put(large, item, row, uploads.finish(container, upload, ruling.version, stop));
    if (answer === undefined) return;
    if (!('conflicted' in answer)) return settle(large, placed, row, digest, answer, ruling.conflict);
    ruling = await rule(large, placed, digest, answer.ref ?? row.path, round);
  }
  await forget(large, row);
  const { settlement, conflict } = ruling;
  if (settlement.outcome !== 'verified') return settleAs(large, settlement, conflict);
  // It may have been edited since its parts were sent.
  const edited = row.version !== item.version;
  await settleAs(large, edited ? { ...settlement, todo: 'update', outcome: 'arrived' } : settlement, undefined);
}

/**
 * The parts vanished (an expired upload, a cleaned folder): the file is sent anew, by the next slice. Where that happens
 * again and again (something in the target that takes away what it dislikes) it would be sent for ever: a try is counted.
 */
async function put(
  large: Large,
  { key, tries }: ItemRow,
  row: UploadRow,
  finishing: Promise<WriteAnswer>,
): Promise<WriteAnswer | undefined> {
  try {
    return await onTarget(finishing);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
    const { deps, lease } = large.slice;
    await fenced(deps.ledger, lease, async (sql) => {
      await endUpload(sql, row.id);
      await countTries(sql, row.container, [key]);
    });
    if (tries + 1 < MAX_TRIES) return undefined;
    const reason = `quarantined: ${MAX_TRIES} times its parts were gone before it was in its place: ${deps.redact(error.message)}; look for what removes them in the target, e.g. a virus scanner, then retry`;
    await settleAs(large, { key, todo: null, outcome: 'quarantined', reason }, undefined);
    return undefined;
  }
}

/** It arrived, or the target refuses it for good: then its parts are taken away. */
async function settle(
  large: Large,
  { item, notes }: Placed,
  row: UploadRow,
  digest: string,
  answer: Exclude<WriteAnswer, Conflicted>,
  conflict: string | undefined,
): Promise<void> {
  const { slice, to, op } = large;
  const { deps, lease, input } = slice;
  if ('refused' in answer) {
    await forget(large, row);
    const reason = deps.redact(answer.reason);
    return settleAs(large, { key: item.key, todo: null, outcome: 'refused', reason }, undefined);
  }
  const sha256 = await wholeDigestOf(row);
  const settled: Settlement = {
    key: item.key,
    // It may have been edited since its parts were sent.
    todo: row.version === item.version ? 'verify' : 'update',
    outcome: 'arrived',
    digest,
    ref: answer.ref ?? row.path,
    version: answer.version ?? '',
    made: op === 'create' ? 'created' : 'updated',
    bytes: row.bytes,
    base: { ...(answer.meta ?? item.meta), ...(sha256 !== undefined && { sha256 }) },
    ...reasonOf([...notes, ...(answer.notes ?? [])]),
  };
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, to.row.id, [settled], slice.run);
    await endUpload(sql, row.id);
    const said = { container: to.row.id, key: item.key };
    const updated = op === 'update' ? [{ ...said, what: 'updated' }] : [];
    await writeOutcomes(sql, input, conflict ? [{ ...said, what: 'conflict', reason: conflict }] : updated);
  });
  slice.tally.arrived++;
  slice.tally.items++;
}

/** Nothing of ours was put there. */
export async function settleAs({ slice, to }: Large, settled: Settlement, conflict: string | undefined): Promise<void> {
  const { deps, lease, input } = slice;
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, to.row.id, [settled], slice.run);
    const said = { container: to.row.id, key: settled.key };
    const told = conflict ? [{ ...said, what: 'conflict', reason: conflict }] : exceptions(to.row.id, [settled]);
    await writeOutcomes(sql, input, told);
  });
  if (settled.outcome === 'verified') slice.tally.verified++;
  else if (settled.outcome !== 'skipped') slice.tally.failures++;
  slice.tally.items++;
}

/** Takes an upload out of the target, then out of the ledger. */
export async function forget({ slice, container, uploads, stop }: Large, row: UploadRow): Promise<void> {
  await takeAway(slice, uploads, container, row, stop);
}

export function asUpload({ token, path, bytes, partBytes, meta }: UploadRow): Upload {
  return { token, path, bytes, partBytes, meta };
}
