/** Files that stand in the target under another path than the source and the spec's map say: from the old to the new. */
import type { ReportItem, ReportUnit } from '../ledger/report.js';

export interface Rename {
  readonly unit: number;
  readonly account: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string | null;
}

/** `map.folders` of each selection, by its name. */
export type FolderMaps = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Rows that the page shows; all of them are in renamed.csv. */
const MAX_SHOWN = 500;

/** Counts them all, and keeps the first. */
export class Renames {
  readonly first: Rename[] = [];
  count = 0;

  add(rename: Rename): void {
    this.count++;
    if (this.first.length < MAX_SHOWN) this.first.push(rename);
  }
}

/** Undefined where the file has the path that it should have, or none. */
export function renameOf(
  { n, selection, kind, from }: ReportUnit,
  { key, targetRef, reason }: ReportItem,
  maps: FolderMaps,
): Rename | undefined {
  if (kind !== 'files' || targetRef === null || targetRef === mapped(key, maps.get(selection))) return undefined;
  return { unit: n, account: from, from: key, to: targetRef, reason };
}

/** As the run maps paths: whole folders, through the longest match, and all that is below them. */
function mapped(key: string, folders: Readonly<Record<string, string>> | undefined): string {
  if (!folders) return key;
  for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
    const folder = key.slice(0, end);
    if (Object.hasOwn(folders, folder)) return folders[folder] + key.slice(end);
  }
  return key;
}

/**
 * A reason without the path of its own item or of a folder above it, so that one cause is one group; what is only said of
 * a new name is told by the table of names.
 */
export function reasonGroup({ key, reason }: Pick<ReportItem, 'key' | 'reason'>, renamed: boolean): string {
  if (reason === null) return '';
  if (renamed && reason.includes(' was renamed to ')) return 'renamed: see the names that were changed';
  let plain = reason;
  for (let end = key.length; end > 0; end = key.lastIndexOf('/', end - 2) + 1) {
    plain = plain.replaceAll(`: ${key.slice(0, end)}`, '');
  }
  return plain;
}
