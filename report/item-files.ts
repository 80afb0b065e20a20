/** items.csv and items.json: a line for every item, written as they are read; renamed.csv: one for each new name. */

import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { ReportContainer, ReportItem, ReportUnit } from '../ledger/report.js';
import { csvRow } from './csv.js';
import type { Rename } from './renamed.js';
import type { Result } from './results.js';
import type { Standing } from './standing.js';

/** Excel reads a CSV file as UTF-8 only after this. */
const BYTE_ORDER_MARK = '\ufeff';

// biome-ignore format: the header as it stands in the file
const COLUMNS = [
  'unit', 'selection', 'account_from', 'account_to', 'folder', 'key', 'bytes', 'outcome', 'proof', 'digest',
  'target_folder', 'target_ref', 'tries', 'reason', 'run', 'result', 'target_version', 'direction',
] as const;
const RENAMED_COLUMNS = ['unit', 'account', 'old_path', 'new_path', 'reason'] as const;

/** An item with where it stands now, and what became of it in the run of the report. */
export interface ItemEntry {
  readonly item: ReportItem;
  readonly standing: Standing;
  readonly result: Result;
  /** Set for a file that has another path in the target. */
  readonly renamed?: Rename;
}

export interface ItemFiles {
  write(unit: ReportUnit, container: ReportContainer, entries: readonly ItemEntry[]): Promise<void>;
  /** Ends all files. Without it they are not whole. */
  finish(): Promise<void>;
  /** Closes what is open; the files stay as they are. */
  close(): Promise<void>;
}

/**
 * Makes the files; throws when the folder cannot be written to, and when one is there: nobody may have laid a link in
 * its place.
 */
export async function openItemFiles(csvPath: string, jsonPath: string, renamedPath: string): Promise<ItemFiles> {
  const handles: FileHandle[] = [];
  const closeAll = async (): Promise<void> => {
    await Promise.all(handles.map((file) => file.close()));
  };
  try {
    for (const path of [csvPath, jsonPath, renamedPath]) handles.push(await open(path, 'wx'));
  } catch (error) {
    await closeAll();
    throw error;
  }
  const [csv, json, renamed] = handles as [FileHandle, FileHandle, FileHandle];
  let first = true;
  const waiting = {
    csv: BYTE_ORDER_MARK + csvRow(COLUMNS),
    json: '[',
    renamed: BYTE_ORDER_MARK + csvRow(RENAMED_COLUMNS),
  };
  const flush = async (): Promise<void> => {
    const { csv: rows, json: objects, renamed: names } = waiting;
    Object.assign(waiting, { csv: '', json: '', renamed: '' });
    await Promise.all([csv.appendFile(rows), json.appendFile(objects), renamed.appendFile(names)]);
  };
  return {
    async write(unit, container, entries) {
      for (const entry of entries) {
        waiting.csv += csvLine(unit, container, entry);
        waiting.json += `${first ? '' : ','}\n${JSON.stringify(jsonItem(unit, container, entry))}`;
        if (entry.renamed) waiting.renamed += renamedLine(entry.renamed);
        first = false;
      }
      if (waiting.json.length > FLUSH_AT) await flush();
    },
    async finish() {
      waiting.json += '\n]\n';
      await flush();
      await Promise.all(handles.map((file) => file.sync()));
    },
    close: closeAll,
  };
}

/** Characters that wait for a write: a folder has some items mostly, and there may be a hundred thousand folders. */
const FLUSH_AT = 1_000_000;

function renamedLine({ unit, account, from, to, reason }: Rename): string {
  return csvRow([unit, account, from, to, reason]);
}

function csvLine(unit: ReportUnit, container: ReportContainer, { item, standing, result }: ItemEntry): string {
  return csvRow([
    unit.n,
    unit.selection,
    unit.from,
    unit.to,
    container.path.join('/'),
    item.key,
    item.bytes,
    standing,
    item.proof,
    item.digest,
    container.targetPath?.join('/') ?? null,
    item.targetRef,
    item.tries,
    item.reason,
    item.run,
    result,
    item.targetVersion,
    container.back ? 'back' : 'forth',
  ]);
}

function jsonItem(unit: ReportUnit, container: ReportContainer, { item, standing, result }: ItemEntry): object {
  return {
    unit: unit.n,
    selection: unit.selection,
    account: { from: unit.from, to: unit.to },
    folder: container.path,
    key: item.key,
    bytes: item.bytes,
    outcome: standing,
    proof: item.proof,
    digest: item.digest,
    target: { folder: container.targetPath, ref: item.targetRef, version: item.targetVersion },
    tries: item.tries,
    reason: item.reason,
    run: item.run,
    result,
    direction: container.back ? 'back' : 'forth',
  };
}
