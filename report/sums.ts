/** What items add up to: by where they stand, and by what became of them. */
import type { ReportItem, ReportUnit } from '../ledger/report.js';
import type { Standings } from '../words/counters.js';
import type { Result, Results } from './results.js';
import { noResults, RESULTS } from './results.js';
import type { Standing } from './standing.js';
import { STANDINGS } from './standing.js';

/** Sums of one folder, account, selection, or of everything. */
export interface Sums {
  items: number;
  bytes: number;
  standings: Record<Standing, number>;
  /** Of the verified, by the kind of proof. */
  proofs: Record<string, number>;
  /** What became of them in the run of the report. */
  results: Results;
  /** Items the spec's filters left out; they are in no other sum. */
  excluded: number;
  duplicates: number;
}

export interface FolderSums {
  readonly unit: number;
  /** Of the other direction of a two-way unit. */
  readonly back: boolean;
  readonly path: readonly string[];
  readonly targetPath: readonly string[] | null;
  readonly notes: readonly string[];
  readonly sums: Sums;
}

export interface AccountSums {
  readonly unit: ReportUnit;
  readonly sums: Sums;
  /** The unit that covers the same accounts and holds the sums; absent for all but overlapping units. */
  readonly sameAs?: number;
}

export function noSums(): Sums {
  const standings = Object.fromEntries(STANDINGS.map((standing) => [standing, 0])) as Record<Standing, number>;
  return { items: 0, bytes: 0, standings, proofs: {}, results: noResults(), excluded: 0, duplicates: 0 };
}

export function addItem(
  sums: Sums,
  standing: Standing,
  result: Result,
  { bytes, proof }: Pick<ReportItem, 'bytes' | 'proof'>,
): void {
  sums.items++;
  sums.bytes += bytes;
  sums.standings[standing]++;
  sums.results[result]++;
  if (standing === 'verified') {
    const kind = proof ?? 'unnamed';
    sums.proofs[kind] = (sums.proofs[kind] ?? 0) + 1;
  }
}

export function addSums(sums: Sums, other: Sums): void {
  sums.items += other.items;
  sums.bytes += other.bytes;
  sums.excluded += other.excluded;
  sums.duplicates += other.duplicates;
  for (const standing of STANDINGS) sums.standings[standing] += other.standings[standing];
  for (const result of RESULTS) sums.results[result] += other.results[result];
  for (const [proof, count] of Object.entries(other.proofs)) sums.proofs[proof] = (sums.proofs[proof] ?? 0) + count;
}

/** The same numbers as counters, which the console and the Web UI show. */
export function countersOf({ items, bytes, duplicates, standings }: Sums): Standings {
  const { verified, arrived, pending, skipped, conflict, refused, quarantined, altered, missing, unsure } = standings;
  return {
    items,
    bytes,
    verified,
    arrived,
    failures: refused + quarantined + altered + missing + unsure + conflict,
    pending,
    skipped,
    conflicts: conflict,
    duplicates,
  };
}

/** Everything that should have arrived and is not proven to have. A later change that the target kept out is not among it. */
export const unproven = (sums: Sums): number => sums.items - sums.standings.verified - sums.standings.skipped;
