/** Edits: items that changed in the source replace their copies, unless somebody changed those too. */
import type { Target, Write } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { excuseBatch, openBatch, settleBatch } from '../../ledger/batches.js';
import { writeOutcomes } from '../../ledger/events.js';
import type { Settlement } from '../../ledger/items.js';
import { settleUnchanged } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Entry } from '../decide/fitting.js';
import type { OpenDestination } from '../destination.js';
import type { Lot } from '../feed.js';
import type { Slice } from '../slice.js';
import { spend } from '../spend.js';
import type { Clash } from './conflicts.js';
import { settleClashes } from './conflicts.js';
import { isBlameless } from './deliver.js';
import { link } from './link.js';
import { exceptions, reasonOf } from './settle.js';

/** An entry that replaces the copy `ref`, as long as that has the version. */
export interface Edit {
  readonly entry: Entry;
  readonly ref: string;
  readonly version: string;
  /** What `outcome` says of it besides `updated`. */
  readonly reason?: string;
}

/** Delivers one lot of edited items over one connection. */
export async function deliverEdits(slice: Slice, target: Target<unknown>, lot: Lot): Promise<void> {
  const { deps, lease } = slice;
  const to = await lot.to.open(target);
  const same = lot.entries.filter(isUnchanged);
  if (same.length > 0) {
    await fenced(deps.ledger, lease, (sql) =>
      settleUnchanged(
        sql,
        to.bound.id,
        same.map((entry) => entry.item.key),
      ),
    );
  }
  const edited = lot.entries.filter((entry) => !isUnchanged(entry));
  if (edited.length === 0) return;
  if (!(await spend(slice, 'target', edited.length, lot.bytes))) return;
  const edits: Edit[] = [];
  const clashes: Clash[] = [];
  for (const entry of edited) {
    const { targetRef, targetVersion, outcome } = entry.item;
    const ref = targetRef as string;
    // A copy whose version we do not know, or that was in conflict before, is looked at before it is replaced.
    if (targetVersion && outcome !== 'conflict') edits.push({ entry, ref, version: targetVersion });
    else clashes.push({ entry, ref, by: 'version' });
  }
  clashes.push(...(await writeEdits(slice, to, target, edits)));
  await settleClashes(slice, to, target, clashes);
}

/** Another version of the content that was settled: servers renew versions by themselves. */
function isUnchanged({ item, digest }: Entry): boolean {
  return digest === item.digest && item.outcome !== 'conflict' && item.outcome !== 'missing';
}

/** Replaces copies. Answers those that had another version, or were gone: nothing was written over them. */
export async function writeEdits(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  edits: readonly Edit[],
): Promise<Clash[]> {
  if (edits.length === 0) return [];
  const { deps, lease, input, signal } = slice;
  const { bound } = to;
  const byKey = new Map(edits.map((edit) => [edit.entry.item.key, edit]));
  const intent = {
    container: bound.id,
    op: 'update' as const,
    anchor: '',
    keys: edits.map((edit) => edit.entry.item.key),
    digests: edits.map((edit) => edit.entry.digest),
  };
  const batch = { ...intent, blameless: false, id: await openBatch(deps.ledger, lease, intent) };
  const writes = edits.map(
    ({ entry, ref, version }): Write<unknown> => ({
      op: 'update',
      token: entry.item.key,
      ref,
      version,
      body: entry.body,
      bytes: entry.bytes,
      meta: entry.item.meta,
      digest: entry.digest,
    }),
  );
  const settled: Settlement[] = [];
  const clashes: Clash[] = [];
  const commit = (): Promise<void> =>
    settleBatch(deps.ledger, lease, batch, settled, slice.run, async (sql) => {
      const updated = settled.filter((s) => s.outcome === 'arrived');
      await writeOutcomes(sql, input, [
        ...exceptions(bound.id, settled),
        ...updated.map(({ key }) => ({ container: bound.id, key, what: 'updated', ...reasonGiven(byKey.get(key)) })),
      ]);
      await link(
        sql,
        slice,
        bound,
        edits.map((edit) => edit.entry),
        settled,
      );
      slice.tally.items += updated.length;
      slice.tally.arrived += updated.length;
      slice.tally.failures += settled.filter((s) => s.outcome === 'refused').length;
    });
  try {
    slice.assertHeld();
    for await (const answer of target.write(bound.target, writes, signal)) {
      if ('conflicted' in answer) {
        const { entry, ref } = byKey.get(answer.conflicted) as Edit;
        clashes.push({ entry, ref: answer.ref ?? ref, by: 'version' });
        // Nothing was written: it is no longer in doubt.
        settled.push({ key: entry.item.key, todo: entry.item.targetRef === null ? 'create' : 'update' });
      } else if ('refused' in answer) {
        settled.push({ key: answer.refused, todo: null, outcome: 'refused', reason: deps.redact(answer.reason) });
      } else {
        const { entry, ref } = byKey.get(answer.token) as Edit;
        settled.push({
          key: answer.token,
          todo: 'verify',
          outcome: 'arrived',
          digest: entry.digest,
          ref: answer.ref ?? ref,
          version: answer.version ?? '',
          made: 'updated',
          bytes: entry.bytes,
          base: entry.uid === undefined ? (answer.meta ?? entry.item.meta) : { uid: entry.uid },
          ...reasonOf([...entry.notes, ...(answer.notes ?? [])]),
        });
      }
    }
  } catch (error) {
    await commit();
    if (isBlameless(error, slice)) await excuseBatch(deps.ledger, batch.id);
    if (error instanceof Fault) error.side ??= 'target';
    throw error;
  }
  await commit();
  return clashes;
}

function reasonGiven(edit: Edit | undefined): { reason?: string } {
  return edit?.reason === undefined ? {} : { reason: edit.reason };
}
