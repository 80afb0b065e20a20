/** Files that stand in the target under another path than the source and the spec's map say: from the old to the new. */
import { traits } from '../connectors/kinds/traits.js';
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
  if (
    kind === null ||
    traits[kind].place !== 'path' ||
    targetRef === null ||
    targetRef === mapped(key, maps.get(selection))
  )
    return undefined;
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
  let plain = '';
  let at = 0;
  for (let colon = reason.indexOf(': '); colon !== -1; colon = reason.indexOf(': ', at)) {
    const shared = sharedLevels(key, reason, colon + 2);
    plain += reason.slice(at, shared === 0 ? colon + 2 : colon);
    at = colon + 2 + shared;
  }
  return plain + reason.slice(at);
}

/** No system has longer paths. */
const MOST_PATH = 4_096;

/** How much of the key stands in the text from `from` on: all of it, or whole folders. */
function sharedLevels(key: string, text: string, from: number): number {
  let same = 0;
  while (same < Math.min(key.length, MOST_PATH) && key[same] === text[from + same]) same++;
  return same === key.length ? same : same === 0 ? 0 : key.lastIndexOf('/', same - 1) + 1;
}
