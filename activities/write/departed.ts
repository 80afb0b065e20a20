/** Items that moved from one folder of the source to another move in the target too, instead of being copied again. */
import type { Target, Write, Written } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { excuseBatch, openBatch, settleBatch } from '../../ledger/batches.js';
import type { Departed, Settlement } from '../../ledger/items.js';
import { departedByDigest } from '../../ledger/items.js';
import { unlinkBack } from '../../ledger/links.js';
import type { Entry } from '../decide/fitting.js';
import { pathsOf } from '../decide/fitting.js';
import type { OpenDestination } from '../destination.js';
import type { Slice } from '../slice.js';
import { isBlameless } from './deliver.js';
import { link } from './link.js';

/** Moves what it can; answers the entries that must be written after all. */
export async function moveDeparted(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  const { deps, lease, signal } = slice;
  const candidates = await departedByDigest(
    deps.ledger.pool,
    slice,
    entries.map((e) => e.digest),
  );
  if (candidates.length === 0) return entries;
  const rest: Entry[] = [];
  for (const entry of entries) {
    const at = hasContent(slice, entry)
      ? candidates.findIndex((c) => c.digest === entry.digest && !to.moved.has(nameOf(c)))
      : -1;
    const from = at === -1 ? undefined : candidates.splice(at, 1)[0];
    if (!from) {
      rest.push(entry);
      continue;
    }
    to.moved.add(nameOf(from));
    const intent = {
      container: to.bound.id,
      op: 'move' as const,
      anchor: to.anchor,
      keys: [entry.item.key],
      digests: [entry.digest],
      ...pathsOf(slice, [entry]),
    };
    const batch = { ...intent, blameless: false, id: await openBatch(deps.ledger, lease, intent) };
    const old = { key: from.targetKey, path: [], validity: from.targetValidity, created: false, items: 0 };
    const settled: Settlement[] = [];
    const moving: Write<unknown> = {
      op: 'move',
      token: entry.item.key,
      ref: from.targetRef,
      to: to.bound.target,
      ...(entry.path !== undefined && { path: entry.path }),
      ...(entry.path !== undefined && from.targetVersion && { version: from.targetVersion }),
    };
    try {
      slice.assertHeld();
      for await (const answer of target.write(old, [moving], signal)) {
        if ('refused' in answer || 'conflicted' in answer) continue;
        settled.push(movedAs(entry, answer));
      }
    } catch (error) {
      // A move travels alone: without this a few pauses would quarantine it.
      if (isBlameless(error, slice)) await excuseBatch(deps.ledger, batch.id);
      if (error instanceof Fault) error.side ??= 'target';
      throw error;
    }
    await settleBatch(
      deps.ledger,
      lease,
      settled.length > 0 ? batch : { ...batch, keys: [], digests: [] },
      settled,
      slice.run,
      async (sql) => {
        await link(sql, slice, to.bound, [entry], settled);
        if (settled.length > 0 && slice.other !== undefined)
          await unlinkBack(sql, slice.other, from.targetKey, [from.targetRef]);
        if (settled.length > 0)
          await sql.query('delete from item where container = $1 and key = $2', [from.container, from.key]);
      },
    );
    if (settled.length === 0) rest.push(entry);
    slice.tally.arrived += settled.length;
    slice.tally.items += settled.length;
  }
  return rest;
}

/**
 * Whether content tells an item from others. All folders have one digest, and all empty files: a folder that left the
 * source is not the new one, and to move it takes along what it holds, a person's files too. They are made anew.
 */
function hasContent({ rules }: Slice, { bytes }: Entry): boolean {
  return !rules.paths || bytes > 0;
}

function movedAs({ item, digest }: Entry, { ref, version }: Written): Settlement {
  const { key, meta } = item;
  if (ref === undefined) return { key, todo: null, outcome: 'unsure', digest, reason: MOVED_UNNAMED };
  return {
    key,
    todo: 'verify',
    outcome: 'arrived',
    digest,
    ref,
    ...(version !== undefined && { version }),
    base: meta,
  };
}

/** Written again it might stand there twice; `migrate retry` scans first and finds it. */
const MOVED_UNNAMED = 'the target moved it without saying where to; `migrate retry` looks for it';

const nameOf = (departed: Departed): string => `${departed.container}/${departed.key}`;
