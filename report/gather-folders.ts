/** The folders of some accounts: each of their items passes here on its way into the files, and into the sums. */
import { traits } from '../connectors/kinds/traits.js';
import type { Sql } from '../ledger/ledger.js';
import type { ReportContainer, ReportItem, ReportUnit } from '../ledger/report.js';
import { readReportContainers, readReportItems } from '../ledger/report.js';
import { seenFromSpec } from '../words/sides.js';
import type { Exceptions } from './exceptions.js';
import type { ItemEntry, ItemFiles } from './item-files.js';
import type { FolderMaps, Renames } from './renamed.js';
import { reasonGroup, renameOf } from './renamed.js';
import { resultOf } from './results.js';
import { standingOf } from './standing.js';
import type { FolderSums, Sums } from './sums.js';
import { addItem, noSums } from './sums.js';

/** What is said of items beside their numbers. */
export interface Noted {
  readonly exceptions: Exceptions;
  readonly remarks: Exceptions;
  readonly renames: Renames;
  readonly maps: FolderMaps;
}

/** The folders of some units, with the sums of their items, which go into the files. */
export async function gatherFolders(
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
