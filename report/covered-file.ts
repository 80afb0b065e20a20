/** What waits for an approval, a line for each item: `migrate approve NAME --list FILE`, and removals.csv beside the report. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { ApprovalGate, CoveredRow, RunAt } from '../ledger/covered.js';
import { eachCovered, waitingForApproval } from '../ledger/covered.js';
import type { Ledger, Sql } from '../ledger/ledger.js';
import { readRuns, readSnapshot } from '../ledger/report.js';
import { readSpec } from '../ledger/specs.js';
import type { Choice } from '../schemas/choice.js';
import { choosesAccount } from '../schemas/choice.js';
import type { SpecRules } from '../schemas/spec.js';
import { deletedFrom } from '../schemas/system-words.js';
import { csvRow } from './csv.js';

/** Excel reads a CSV file as UTF-8 only after this. */
const BYTE_ORDER_MARK = '\ufeff';

// biome-ignore format: the header as it stands in the file
const COLUMNS = [
  'what', 'unit', 'selection', 'account_from', 'account_to', 'system', 'account', 'folder', 'copy', 'source_folder', 'source_key',
  'bytes', 'date', 'reason', 'direction',
] as const;

export interface WrittenCovered {
  readonly units: number;
  readonly items: number;
}

export interface CoveredRequest {
  readonly migration: string;
  readonly unit?: number;
  readonly choice?: Choice;
  readonly file: string;
}

/** Of the migration's last run, in one snapshot. Undefined where the ledger knows none. */
export function writeCovered(
  ledger: Ledger,
  { migration, unit, file, choice = {} }: CoveredRequest,
): Promise<WrittenCovered | undefined> {
  return readSnapshot(ledger, async (sql) => {
    const last = (await readRuns(sql, migration)).at(-1);
    if (!last) return undefined;
    const at = { migration, run: last.number };
    const waiting = (await waitingForApproval(sql, at)).filter(
      (one) =>
        (unit ?? one.n) === one.n &&
        (choice.selections?.includes(one.selection) ?? true) &&
        choosesAccount(choice)(one),
    );
    const handle = await open(file, 'w');
    try {
      return await writeUnits(sql, handle, await readSpec(sql, last.specHash), at, waiting);
    } finally {
      await handle.close();
    }
  });
}

/** What is deleted once somebody approves it. Throws when the file is there: nobody may have laid a link in its place. */
export async function writeRemovals(sql: Sql, at: RunAt, path: string): Promise<void> {
  const waiting = (await waitingForApproval(sql, at)).filter(({ gate }) => gate === 'approval');
  const run = (await readRuns(sql, at.migration)).find(({ number }) => number === at.run);
  const handle = await open(path, 'wx');
  try {
    if (run) await writeUnits(sql, handle, await readSpec(sql, run.specHash), at, waiting);
  } finally {
    await handle.close();
  }
}

async function writeUnits(
  sql: Sql,
  file: FileHandle,
  spec: SpecRules,
  at: RunAt,
  waiting: readonly { readonly n: number; readonly gate: ApprovalGate }[],
): Promise<WrittenCovered> {
  let items = 0;
  await file.appendFile(BYTE_ORDER_MARK + csvRow(COLUMNS));
  for (const { n, gate } of waiting)
    for await (const rows of eachCovered(sql, at, n, gate)) {
      items += rows.length;
      await file.appendFile(rows.map((row) => csvRow(cells(spec, row, gate))).join(''));
    }
  return { units: waiting.length, items };
}

/** What a plan would delete. */
export async function writeDeletions(file: string, spec: Named, rows: readonly Line[]): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.appendFile(BYTE_ORDER_MARK + csvRow(COLUMNS));
    for (let at = 0; at < rows.length; at += PAGE)
      await handle.appendFile(
        rows
          .slice(at, at + PAGE)
          .map((row) => csvRow(cells(spec, row, 'approval')))
          .join(''),
      );
  } finally {
    await handle.close();
  }
}

const PAGE = 5_000;

type Named = Pick<SpecRules, 'sources' | 'targets' | 'selections'>;
type Line = Omit<CoveredRow, 'kind' | 'reason'> & { readonly reason?: string | null };

function cells(spec: Named, row: Line, gate: ApprovalGate): (string | number | null)[] {
  const { system, account } = deletedFrom(spec, row);
  return [
    gate === 'approval' ? 'delete' : 'failed',
    row.unit,
    row.selection,
    row.from,
    row.to,
    system,
    account,
    row.targetPath?.join('/') ?? null,
    row.ref,
    row.path.join('/'),
    row.key,
    row.bytes,
    row.date,
    gate === 'failures' ? (row.reason ?? null) : null,
    row.back ? 'back' : 'forth',
  ];
}
