/** Settling what needs no batch: items refused before anything was written. */
import { writeOutcomes } from '../../ledger/events.js';
import type { Settlement } from '../../ledger/items.js';
import { settleItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Slice } from '../slice.js';

export async function settleRefused(slice: Slice, container: number, refused: readonly Settlement[]): Promise<void> {
  if (refused.length === 0) return;
  const { deps, lease, input } = slice;
  const clean = refused.map((s) => (s.reason === undefined ? s : { ...s, reason: deps.redact(s.reason) }));
  await fenced(deps.ledger, lease, async (sql) => {
    await settleItems(sql, container, clean, slice.run);
    await writeOutcomes(sql, input, exceptions(container, clean));
  });
  slice.tally.failures += clean.filter((s) => s.outcome !== 'skipped').length;
}

/** What the run's list of exceptions says of settlements that are not a plain success. */
export function exceptions(
  container: number,
  settled: readonly Settlement[],
): { container: number; key: string; what: string; reason?: string }[] {
  return settled.flatMap((s) =>
    s.outcome === undefined || s.outcome === 'verified' || s.outcome === 'arrived'
      ? []
      : [{ container, key: s.key, what: s.outcome, ...(s.reason === undefined ? {} : { reason: s.reason }) }],
  );
}

/** Remarks as one reason; nothing without any. */
export function reasonOf(remarks: readonly string[]): { reason?: string } {
  return remarks.length > 0 ? { reason: remarks.join('; ') } : {};
}
