/** The report of a world's last run, as its reader gets it: summary.json and the lines of items.csv. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Ledger } from '../../ledger/ledger.js';
import { writeReport } from '../../report/write-report.js';
import type { World } from './world.js';

export interface ReadReport {
  readonly verdict: { readonly complete: boolean; readonly items: number; readonly verified: number };
  readonly totals: { readonly items: number; readonly results: Record<string, number>; readonly excluded: number };
  readonly folders: readonly { readonly folder: readonly string[]; readonly items: number }[];
  readonly gates: readonly { readonly run: number; readonly gate: string; readonly closedBy: string | null }[];
  readonly rows: readonly Record<string, string>[];
}

export async function reportOf({ spec }: World, ledger: Ledger, run?: number): Promise<ReadReport> {
  const folder = await mkdtemp(join(tmpdir(), 'drover-report-'));
  try {
    await writeReport(ledger, { migration: spec.name, folder, ...(run !== undefined && { run }) });
    const summary = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8'));
    const csv = await readFile(join(folder, 'items.csv'), 'utf8');
    return { ...summary, rows: parse(csv, { columns: true, bom: true }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
