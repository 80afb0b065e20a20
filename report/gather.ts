/** Reads the ledger once: every item passes here on its way into the files, so all sums agree with them. */

import type { Kind } from '../connectors/contract.js';
import { traits } from '../connectors/kinds/traits.js';
import type { ApprovalGate } from '../ledger/covered.js';
import { waitingForApproval } from '../ledger/covered.js';
import { coversOf } from '../ledger/covers.js';
import { readFilterRemarks } from '../ledger/events.js';
import type { Sql } from '../ledger/ledger.js';
import { readLeftOut } from '../ledger/left-out.js';
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
  readConflicts,
  readDuplicates,
  readFolderMaps,
  readGates,
  readOpenRun,
  readReportContainers,
  readReportItems,
  readReportUnits,
  readRuns,
  readSlices,
  readUnclaimedPairings,
} from '../ledger/report.js';
import { readSpec } from '../ledger/specs.js';
import { deletedFrom } from '../schemas/system-words.js';
import type { Covers } from '../words/covers.js';
import type { LeftOutRule, LeftOutSum } from '../words/left-out.js';
import { seenFromSpec } from '../words/sides.js';
import type { DescribedConflict } from './conflicts.js';
import { describeConflict } from './conflicts.js';
import type { ExceptionGroup } from './exceptions.js';
import { Exceptions } from './exceptions.js';
import { grouped } from './grouped.js';
import type { ItemEntry, ItemFiles } from './item-files.js';
import type { FolderMaps } from './renamed.js';
import { Renames, reasonGroup, renameOf } from './renamed.js';
import { resultOf } from './results.js';
import { STANDINGS, standingOf } from './standing.js';
import type { Sums } from './sums.js';
import { addItem, addSums, noSums, unproven } from './sums.js';
import type { Unfinished } from './unfinished.js';
import { unfinished } from './unfinished.js';

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

export interface Approval {
  readonly unit: ReportUnit;
  readonly gate: ApprovalGate;
  readonly covers: Covers;
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

/** The answer, and what the exit code follows. */
export interface Verdict {
  /** Everything the run covers is known, and each item of it is verified, but for those that the target keeps as they are. */
  readonly complete: boolean;
  readonly items: number;
  readonly verified: number;
  readonly unproven: number;
  /** Left as they are, for a reason that the spec or the target gives. */
  readonly skipped: number;
  /** Items that nobody won; they are among the unproven. */
  readonly conflicts: number;
  readonly duplicates: number;
  readonly units: number;
  /** Units that did not end well: what they hold may not even be known. */
  readonly unitsOpen: number;
  /** A run that nobody has closed: the numbers are those of a moment, and nothing is complete. */
  readonly goesOn: boolean;
  /** What the spec's filters left out of all numbers. */
  readonly leftOut: LeftOutSum & { /** Items of folders that are moved. */ readonly filtered: number };
}

interface Noted {
  readonly exceptions: Exceptions;
  readonly remarks: Exceptions;
  readonly renames: Renames;
  readonly maps: FolderMaps;
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
    verdict: judge(total, accounts, open !== undefined, sumOf(leftOut, units)),
    unfinished: unfinished(
      migration,
      run,
      open,
      units.map(({ state }) => state),
    ),
    writtenAt: new Date(),
  };
}

/** Units whose approvals are named item by item. */
const APPROVALS_NAMED = 100;

async function readApprovals(
  sql: Sql,
  migration: string,
  { number, specHash }: ReportRun,
  units: readonly ReportUnit[],
): Promise<Approval[]> {
  const at = { migration, run: number };
  const waiting = await waitingForApproval(sql, at);
  if (waiting.length === 0) return [];
  const spec = await readSpec(sql, specHash);
  const covers = await coversOf(sql, (row) => deletedFrom(spec, row), at, waiting, APPROVALS_NAMED);
  const unitAt = new Map(units.map((unit) => [unit.n, unit]));
  return waiting.flatMap(({ n, gate }) => {
    const unit = unitAt.get(n);
    const covered = covers.get(n);
    return unit && covered ? [{ unit, gate, covers: covered }] : [];
  });
}

/** That of the first direction, then that of the other where there is one. */
const pairingsOf = ({ pairing, back }: ReportUnit): number[] =>
  [pairing, back].filter((one): one is number => one !== null);

/** The folders of some units, with the sums of their items, which go into the files. */
async function gatherFolders(
  sql: Sql,
  migration: string,
  run: number,
  units: readonly ReportUnit[],
  files: ItemFiles,
  noted: Noted,
): Promise<FolderSums[]> {
  const unitAt = new Map(units.map((unit) => [unit.n, unit]));
  const containers = await readReportContainers(sql, migration, [...unitAt.keys()]);
  const sumsOf = new Map(containers.map((container) => [container, { ...noSums(), excluded: container.excluded }]));
  for await (const [container, page] of readReportItems(sql, migration, containers)) {
    const unit = unitAt.get(container.unit) as ReportUnit;
    await files.write(unit, container, entriesOf(page, unit, container, run, noted, sumsOf.get(container) as Sums));
  }
  return containers.map((container) => {
    const { unit, path, targetPath, back, notes } = container;
    return { unit, back, path, targetPath, notes, sums: sumsOf.get(container) as Sums };
  });
}

/** Of the items of a page, those that the report is about; each is counted, and noted where something is to be said of it. */
function entriesOf(
  page: readonly ReportItem[],
  unit: ReportUnit,
  container: ReportContainer,
  run: number,
  noted: Noted,
  sums: Sums,
): ItemEntry[] {
  const entries: ItemEntry[] = [];
  for (const row of page) {
    const standing = standingOf(row);
    if (standing === undefined) continue;
    // Sentences of our own, which speak of the direction's sides; a refusal is in a system's words.
    const ours = standing === 'conflict' || standing === 'skipped';
    const item = ours && row.reason ? { ...row, reason: seenFromSpec(row.reason, container.back) } : row;
    const result = resultOf(item, standing, run);
    const renamed = renameOf(unit, item, noted.maps);
    if (renamed) noted.renames.add(renamed);
    entries.push({ item, standing, result, ...(renamed && { renamed }) });
    addItem(sums, standing, result, item);
    const group =
      unit.kind !== null && traits[unit.kind].place === 'path'
        ? reasonGroup(item, renamed !== undefined)
        : (item.reason ?? '');
    if (standing !== 'verified') noted.exceptions.add(unit, container, item, standing, group);
    else if (item.reason) noted.remarks.add(unit, container, item, standing, group);
  }
  return entries;
}

/** What the rules leave out as a whole, by kind: the words of the console. */
function sumOf(rules: readonly LeftOutRule[], units: readonly ReportUnit[]): LeftOutSum {
  const kindOf = new Map(units.map(({ selection, kind }) => [selection, kind]));
  const kinds: Partial<Record<Kind, number>> = {};
  for (const { selection, containers } of rules) {
    const kind = kindOf.get(selection) ?? 'mail';
    kinds[kind] = (kinds[kind] ?? 0) + containers;
  }
  const told = rules.flatMap(({ items }) => items ?? []);
  return { kinds, items: told.length < rules.length ? null : told.reduce((sum, items) => sum + items, 0) };
}

function judge(total: Sums, accounts: readonly AccountSums[], goesOn: boolean, leftOut: LeftOutSum): Verdict {
  const unitsOpen = accounts.filter(({ unit }) => unit.state !== 'done').length;
  const open = unproven(total);
  return {
    complete: open === 0 && unitsOpen === 0 && accounts.length > 0 && !goesOn,
    items: total.items,
    verified: total.standings.verified,
    unproven: open,
    skipped: total.standings.skipped,
    conflicts: total.standings.conflict,
    duplicates: total.duplicates,
    units: accounts.length,
    unitsOpen,
    goesOn,
    leftOut: { ...leftOut, filtered: total.excluded },
  };
}
