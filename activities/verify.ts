/** Verify: reads back what arrived and keeps the proof; then looks for copies nobody asked for. */
import type { TargetRef } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import { containersToDo } from '../ledger/containers.js';
import { writeOutcomes } from '../ledger/events.js';
import { knownRefs, nextItems, settleItems } from '../ledger/items.js';
import type { ItemRow, Settlement } from '../ledger/items.js';
import { fenced } from '../ledger/leases.js';
import { bindContainer, scanContainer } from './bind.js';
import type { Bound } from './bind.js';
import { flagsOf } from './flags-of.js';
import { exceptions } from './settle.js';
import type { Slice } from './slice.js';
import { spend } from './spend.js';

const PAGE = 500;

export async function verify(slice: Slice): Promise<'more' | 'done'> {
  const { deps, pairing } = slice;
  try {
    for (const row of await containersToDo(deps.ledger, pairing.id)) {
      if (!row.todo.includes('verify')) continue;
      const bound = await bindContainer(slice, row);
      for (;;) {
        if (slice.ending()) return 'more';
        const items = await nextItems(deps.ledger.pool, bound.id, 'verify', undefined, PAGE);
        if (items.length === 0) break;
        await verifyPage(slice, bound, items);
      }
      const known = await knownRefs(deps.ledger.pool, pairing.target, bound.targetKey, '');
      await scanContainer(slice, bound, (ref) => known.has(ref));
    }
  } catch (error) {
    if (error instanceof Fault) error.side ??= 'target';
    throw error;
  }
  return 'done';
}

async function verifyPage(slice: Slice, bound: Bound, items: readonly ItemRow[]): Promise<void> {
  const { deps, lease, input } = slice;
  const settled =
    slice.selection.verify === 'size' && slice.target.sizes
      ? await compareSizes(slice, bound, items)
      : await compareContent(slice, bound, items);
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  await spend(slice, 'target', items.length, bytes);
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, bound.id, settled, input.run);
    await writeOutcomes(sql, input, exceptions(bound.id, settled));
  });
  const verified = settled.filter((s) => s.outcome === 'verified').length;
  slice.tally.items += settled.length;
  slice.tally.bytes += bytes;
  slice.tally.verified += verified;
  slice.tally.failures += settled.length - verified;
}

async function compareContent(slice: Slice, bound: Bound, items: readonly ItemRow[]): Promise<Settlement[]> {
  const there = new Map<string, TargetRef>();
  const refs = items.map((item) => item.targetRef as string).sort();
  for await (const ref of slice.target.readBack(bound.target, refs, slice.signal)) there.set(ref.ref, ref);
  return items.map((item): Settlement => {
    const copy = there.get(item.targetRef as string);
    if (!copy) return missing(item);
    if (copy.digest !== item.digest) {
      const reason = `the copy in the target differs: ${copy.bytes} bytes there, ${item.bytes} in the source`;
      return { key: item.key, todo: null, outcome: 'altered', proof: 'readback', reason };
    }
    const notes = metaNotes(item, copy);
    return { key: item.key, todo: null, outcome: 'verified', proof: 'readback', ...(notes ? { reason: notes } : {}) };
  });
}

async function compareSizes(slice: Slice, bound: Bound, items: readonly ItemRow[]): Promise<Settlement[]> {
  const sizes = new Map<string, number>();
  const refs = items.map((item) => item.targetRef as string).sort();
  for await (const { ref, bytes } of slice.target.sizes?.(bound.target, refs, slice.signal) ?? []) sizes.set(ref, bytes);
  return items.map((item): Settlement => {
    const bytes = sizes.get(item.targetRef as string);
    if (bytes === undefined) return missing(item);
    if (bytes === item.bytes) return { key: item.key, todo: null, outcome: 'verified', proof: 'size' };
    const reason = `the copy in the target has ${bytes} bytes, the source says ${item.bytes}`;
    return { key: item.key, todo: null, outcome: 'altered', proof: 'size', reason };
  });
}

function missing(item: ItemRow): Settlement {
  return { key: item.key, todo: null, outcome: 'missing', reason: 'it was written, but is not in the target any more' };
}

/** Flags and dates that the target did not keep are named; they do not make it another message. */
function metaNotes(item: ItemRow, copy: TargetRef): string | undefined {
  const notes: string[] = [];
  const kept = new Set(flagsOf(copy.meta).map((flag) => flag.toLowerCase()));
  const lost = flagsOf(item.meta).filter((flag) => !kept.has(flag.toLowerCase()));
  if (lost.length > 0) notes.push(`flags not kept: ${lost.join(' ')}`);
  const before = typeof item.meta.date === 'string' ? Date.parse(item.meta.date) : Number.NaN;
  const after = typeof copy.meta.date === 'string' ? Date.parse(copy.meta.date) : Number.NaN;
  if (!Number.isNaN(before) && before !== after) notes.push('internal date not kept');
  return notes.length > 0 ? notes.join('; ') : undefined;
}
