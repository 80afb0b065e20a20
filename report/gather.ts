/** Reads the ledger once: every item passes here on its way into the files, so all sums agree with them. */

import type { Sql } from '../ledger/ledger.js';
import type {
  ReportContainer,
  ReportDuplicate,
  ReportGate,
  ReportItem,
  ReportRun,
  ReportSlice,
  ReportUnit,
} from '../ledger/report.js';
import {
  readChanges,
  readDuplicates,
  readGates,
  readReportContainers,
  readReportItems,
  readReportUnits,
  readRuns,
  readSlices,
} from '../ledger/report.js';
import type { ExceptionGroup } from './exceptions.js';
import { Exceptions } from './exceptions.js';
import type { ItemFiles } from './item-files.js';
import type { Standing, Sums } from './standing.js';
import { addItem, addSums, noSums, STANDINGS, standingOf, unproven } from './standing.js';

export interface FolderSums {
  readonly unit: number;
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
  readonly duplicates: readonly (ReportDuplicate & { readonly account: string })[];
  readonly gates: readonly ReportGate[];
  readonly changes: readonly { readonly what: string; readonly count: number }[];
  readonly slices: readonly ReportSlice[];
  readonly verdict: Verdict;
  readonly writtenAt: Date;
}

/** The answer, and what the exit code follows. */
export interface Verdict {
  /** Everything the run covers is known, and each item of it is verified, but for those that the target keeps as they are. */
  readonly complete: boolean;
  readonly items: number;
  readonly verified: number;
  readonly unproven: number;
  /** In the target, without a later change of the source. */
  readonly skipped: number;
  readonly duplicates: number;
  readonly units: number;
  /** Units that did not end well: what they hold may not even be known. */
  readonly unitsOpen: number;
}

interface Noted {
  readonly exceptions: Exceptions;
  readonly remarks: Exceptions;
}

const MAX_DUPLICATES = 500;
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
  const noted: Noted = { exceptions: new Exceptions(), remarks: new Exceptions() };
  const duplicates: (ReportDuplicate & { account: string })[] = [];
  const unitOf = new Map<number, number>();

  for (const unit of await readReportUnits(sql, migration, run.number)) {
    const sums = noSums();
    const sameAs = unit.pairing === null ? undefined : unitOf.get(unit.pairing);
    if (unit.pairing !== null && sameAs === undefined) {
      unitOf.set(unit.pairing, unit.n);
      for (const container of await readReportContainers(sql, unit.pairing)) {
        const folder = await gatherFolder(sql, unit, container, files, noted);
        folders.push(folder);
        addSums(sums, folder.sums);
      }
      const extra = await readDuplicates(sql, unit.pairing, MAX_DUPLICATES - duplicates.length);
      sums.duplicates = extra.count;
      duplicates.push(...extra.first.map((copy) => ({ ...copy, account: unit.to })));
    }
    accounts.push({ unit, sums, ...(sameAs !== undefined && { sameAs }) });
    const selection = selections.get(unit.selection) ?? noSums();
    selections.set(unit.selection, selection);
    addSums(selection, sums);
    addSums(total, sums);
  }
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
    duplicates,
    gates: await readGates(sql, migration, run.number),
    changes: await readChanges(sql, migration, run.number),
    slices: await readSlices(sql, migration, run.number, STRETCHES),
    verdict: judge(total, accounts),
    writtenAt: new Date(),
  };
}

async function gatherFolder(
  sql: Sql,
  unit: ReportUnit,
  container: ReportContainer,
  files: ItemFiles,
  noted: Noted,
): Promise<FolderSums> {
  const sums = noSums();
  sums.excluded = container.excluded;
  for await (const page of readReportItems(sql, container.id)) {
    const entries: [ReportItem, Standing][] = [];
    for (const item of page) {
      const standing = standingOf(item);
      if (standing === undefined) continue;
      entries.push([item, standing]);
      addItem(sums, standing, item.bytes, item.proof);
      if (standing !== 'verified') noted.exceptions.add(unit, container, item, standing);
      else if (item.reason) noted.remarks.add(unit, container, item, standing);
    }
    await files.write(unit, container, entries);
  }
  return { unit: unit.n, path: container.path, targetPath: container.targetPath, notes: container.notes, sums };
}

function judge(total: Sums, accounts: readonly AccountSums[]): Verdict {
  const unitsOpen = accounts.filter(({ unit }) => unit.state !== 'done').length;
  const open = unproven(total);
  return {
    complete: open === 0 && unitsOpen === 0 && accounts.length > 0,
    items: total.items,
    verified: total.standings.verified,
    unproven: open,
    skipped: total.standings.skipped,
    duplicates: total.duplicates,
    units: accounts.length,
    unitsOpen,
  };
}
