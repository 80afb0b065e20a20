/** What each item's row in the ledger means for the one question: did it arrive, once, unchanged? */
import type { ReportItem } from '../ledger/report.js';

/** Disjoint; every item has exactly one. Only `verified` is a success; `skipped` is neither that nor a failure. */
export const STANDINGS = [
  'verified',
  'arrived',
  'pending',
  'unsure',
  'missing',
  'altered',
  'refused',
  'quarantined',
  'conflict',
  'skipped',
] as const;
export type Standing = (typeof STANDINGS)[number];

export const PROOFS = ['readback', 'scan', 'checksum', 'size'] as const;

/**
 * Where an item stands; undefined when it is not the report's concern: it left the source before it was copied,
 * or its copy followed it elsewhere. Work that waits takes a proof back, for it is
 * of an earlier version; but for a second look at the same.
 */
export function standingOf(item: Pick<ReportItem, 'outcome' | 'todo' | 'gone' | 'targetRef'>): Standing | undefined {
  if (item.gone && item.targetRef === null) return undefined;
  // The other direction's row for the same item counts, unless this side was changed since.
  if (item.outcome === 'linked') return item.todo === null ? undefined : 'arrived';
  // A filter left it out after it was written down.
  if (item.outcome === null && item.todo === null && item.targetRef === null) return undefined;
  // What was skipped and is asked for anew has not been decided yet.
  if (item.outcome === null || (item.outcome === 'skipped' && item.todo !== null)) return 'pending';
  // A proof holds until it is contradicted, also while it is made once more.
  if (item.outcome === 'verified' && item.todo !== null && item.todo !== 'verify') return 'arrived';
  return item.outcome;
}

interface Meaning {
  readonly title: string;
  readonly meaning: string;
  readonly next: (migration: string) => string;
}

export const MEANINGS: Readonly<Record<Standing, Meaning>> = {
  verified: {
    title: 'verified',
    meaning: 'in the target and proven to be what the source holds',
    next: () => 'nothing to do',
  },
  arrived: {
    title: 'arrived but not proven',
    meaning: 'written to the target, not compared with the source yet, or changed in the source since',
    next: (migration) => `compare it: migrate verify ${migration}`,
  },
  pending: {
    title: 'not tried',
    meaning: 'known from the source, not written yet',
    next: (migration) => `let the migration go on: migrate retry ${migration}`,
  },
  unsure: {
    title: 'unsure',
    meaning: "the write's answer was lost and the target does not tell what became of it; it is not written again",
    next: (migration) => `look for it in the target's folder, then: migrate retry ${migration}`,
  },
  missing: {
    title: 'missing',
    meaning: 'written, but no longer in the target when it was compared',
    next: (migration) => `ask whether somebody removed it there; to look again: migrate verify ${migration}`,
  },
  altered: {
    title: 'altered',
    meaning: 'in the target with another content than the source has',
    next: () => 'compare the two by their keys in items.csv; the target, or a person, changed it after it was written',
  },
  refused: {
    title: 'refused',
    meaning: 'the source would not give it, or the target would not take it',
    next: (migration) => `see the reason; when it is mended: migrate retry ${migration}`,
  },
  quarantined: {
    title: 'quarantined',
    meaning: 'set aside after its process failed three times with it',
    next: (migration) => `look at it in the source; to try it again: migrate retry ${migration}`,
  },
  conflict: {
    title: 'in conflict',
    meaning: 'edited on both sides, or the target holds another with the same UID or path; both were left as they are',
    next: (migration) =>
      `make both sides say the same, or let one win with onConflict, then: migrate retry ${migration}`,
  },
  skipped: {
    title: 'skipped',
    meaning:
      'left as it is, for the reason given: the spec leaves it out, another item stands for it, or the target keeps its own',
    next: () => 'nothing to do, if the reason is what you want',
  },
};
