/** Reads the ledger once: every item passes here on its way into the files, so all sums agree with them. */

import type { Kind } from '../connectors/contract.js';
import { readFilterRemarks } from '../ledger/events.js';
import type { Sql } from '../ledger/ledger.js';
import { readLeftOut } from '../ledger/left-out.js';
import type { ReportDuplicate, ReportGate, ReportRun, ReportSlice } from '../ledger/report.js';
import {
  readChanges,
  readConflicts,
  readDuplicates,
  readFolderMaps,
  readGates,
  readOpenRun,
  readReportUnits,
  readRuns,
  readSlices,
  readUnclaimedPairings,
} from '../ledger/report.js';
import { pairingsOf } from '../ledger/units.js';
import type { LeftOutRule } from '../words/left-out.js';
import type { DescribedConflict } from './conflicts.js';
import { describeConflict } from './conflicts.js';
import type { ExceptionGroup } from './exceptions.js';
import { Exceptions } from './exceptions.js';
import type { Noted } from './gather-folders.js';
import { gatherFolders } from './gather-folders.js';
import { grouped } from './grouped.js';
import type { ItemFiles } from './item-files.js';
import { Renames } from './renamed.js';
import { STANDINGS } from './standing.js';
import type { AccountSums, FolderSums, Sums } from './sums.js';
import { addSums, noSums } from './sums.js';
import type { Unfinished } from './unfinished.js';
import { unfinished } from './unfinished.js';
import type { Verdict } from './verdict.js';
import { judge, sumLeftOut } from './verdict.js';
import type { Approval } from './waiting-approvals.js';
import { readApprovals } from './waiting-approvals.js';

export interface Gathered {
  readonly migration: string;
  readonly run: ReportRun;
  readonly runs: readonly ReportRun[];
  readonly total: Sums;
  readonly selections: ReadonlyMap<string, Sums>;
  readonly accounts: readonly AccountSums[];
  readonly folders: readonly FolderSums[];
  readonly exceptions: readonly ExceptionGroup[];
  /** Verified items with a remark, e.g. a flag that the target does not keep. */
  readonly remarks: readonly ExceptionGroup[];
  /** Files under another path than the spec says; `first` is cut. */
  readonly renames: Pick<Renames, 'count' | 'first'>;
  readonly duplicates: readonly (ReportDuplicate & { readonly account: string })[];
  /** Those that this run met, whoever won; `first` is cut. */
  readonly conflicts: { readonly count: number; readonly first: readonly DescribedConflict[] };
  /** Of the units whose accounts have been opened. */
  readonly kinds: ReadonlySet<Kind>;
  readonly gates: readonly ReportGate[];
  /** What waits for an approval now, with what that covers. */
  readonly approvals: readonly Approval[];
  readonly changes: readonly { readonly what: string; readonly count: number }[];
  readonly slices: readonly ReportSlice[];
  /** Globs of the spec that fit nothing, and in how many accounts. */
  readonly filters: readonly { readonly said: string; readonly units: number }[];
  /** Folders, calendars and address books that the spec leaves out: they are in no number. */
  readonly leftOut: readonly LeftOutRule[];
  readonly verdict: Verdict;
  /** A run goes on, or was stopped before its accounts were done. */
  readonly unfinished: Unfinished | undefined;
  readonly writtenAt: Date;
}

/** Their folders are read together. */
const UNITS_AT_ONCE = 500;
const MAX_DUPLICATES = 500;
const MAX_CONFLICTS = 1_000;
const STRETCHES = 120;

/** Reads one run of a migration; undefined when the ledger does not know it. `run` absent: the last one. */
export async function gather(
  sql: Sql,
  migration: string,
  wanted: number | undefined,
  files: ItemFiles,
): Promise<Gathered | undefined> {
  const runs = await readRuns(sql, migration);
  const run = wanted === undefined ? runs.at(-1) : runs.find((one) => one.number === wanted);
  if (run === undefined) return undefined;

  const total = noSums();
  const selections = new Map<string, Sums>();
  const accounts: AccountSums[] = [];
  const folders: FolderSums[] = [];
  const noted: Noted = {
    exceptions: new Exceptions(),
    remarks: new Exceptions(),
    renames: new Renames(),
    maps: await readFolderMaps(sql, run.specHash),
  };
  const duplicates: (ReportDuplicate & { account: string })[] = [];
  const unitOf = new Map<number, number>();
  const units = await readReportUnits(sql, migration, run.number);

  for (let at = 0; at < units.length; at += UNITS_AT_ONCE) {
    const some = units.slice(at, at + UNITS_AT_ONCE);
    for (const unit of some) if (unit.pairing !== null && !unitOf.has(unit.pairing)) unitOf.set(unit.pairing, unit.n);
    const counted = some.filter(({ n, pairing }) => pairing !== null && unitOf.get(pairing) === n);
    const covered = await gatherFolders(sql, migration, run.number, counted, files, noted);
    folders.push(...covered);
    const byUnit = grouped(covered, (folder) => folder.unit);
    const unclaimed = await readUnclaimedPairings(sql, counted.flatMap(pairingsOf));

    for (const unit of some) {
      const sums = noSums();
      const first = unit.pairing === null ? undefined : unitOf.get(unit.pairing);
      const sameAs = first === unit.n ? undefined : first;
      if (sameAs === undefined) for (const folder of byUnit.get(unit.n) ?? []) addSums(sums, folder.sums);
      const pairings = pairingsOf(unit);
      if (sameAs === undefined && pairings.some((pairing) => unclaimed.has(pairing))) {
        const extra = await readDuplicates(sql, { migration, n: unit.n }, pairings, MAX_DUPLICATES - duplicates.length);
        sums.duplicates = extra.count;
        duplicates.push(...extra.first.map((copy) => ({ ...copy, account: copy.back ? unit.from : unit.to })));
      }
      accounts.push({ unit, sums, ...(sameAs !== undefined && { sameAs }) });
      const selection = selections.get(unit.selection) ?? noSums();
      selections.set(unit.selection, selection);
      addSums(selection, sums);
      addSums(total, sums);
    }
  }
  const open = await readOpenRun(sql, migration);
  const leftOut = await readLeftOut(
    sql,
    migration,
    units.map(({ n }) => n),
  );
  const met = await readConflicts(sql, migration, run.number, MAX_CONFLICTS);
  const unitAt = new Map(units.map((unit) => [unit.n, unit]));
  return {
    migration,
    run,
    runs,
    total,
    selections,
    accounts,
    folders,
    exceptions: noted.exceptions.groups(STANDINGS),
    remarks: noted.remarks.groups(STANDINGS),
    renames: noted.renames,
    duplicates,
    conflicts: { count: met.count, first: met.first.map((one) => describeConflict(one, unitAt.get(one.unit))) },
    kinds: new Set(units.flatMap(({ kind }) => kind ?? [])),
    gates: await readGates(sql, migration, run.number),
    approvals: await readApprovals(sql, migration, run, units),
    changes: await readChanges(sql, migration, run.number),
    slices: await readSlices(sql, migration, run.number, STRETCHES),
    filters: await readFilterRemarks(sql, migration, run.number),
    leftOut,
    verdict: judge(total, accounts, open !== undefined, sumLeftOut(leftOut, units)),
    unfinished: unfinished(
      migration,
      run,
      open,
      units.map(({ state }) => state),
    ),
    writtenAt: new Date(),
  };
}
