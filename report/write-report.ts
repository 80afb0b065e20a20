/**
 * Writes a run's report into a folder: report.html, items.csv, items.json, summary.json; renamed.csv where files got other names, and
 * removals.csv while deletions wait for approval.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger } from '../ledger/ledger.js';
import { readRuns, readSnapshot } from '../ledger/report.js';
import { writeRemovals } from './covered-file.js';
import type { Gathered } from './gather.js';
import { gather } from './gather.js';
import { headline } from './headline.js';
import { openItemFiles } from './item-files.js';
import { page } from './page.js';
import { summary } from './summary.js';
import type { Verdict } from './verdict.js';

export interface ReportRequest {
  readonly migration: string;
  /** Absent: the last run. */
  readonly run?: number;
  /** Where to, once the run's number is known. The folder is made when it is missing. */
  readonly folder: string | ((run: number) => string);
}

export interface WrittenReport {
  /** The page's path. */
  readonly html: string;
  readonly folder: string;
  readonly run: number;
  readonly verdict: Verdict;
  /** The answer in one sentence, lower case, without a full stop. */
  readonly headline: string;
  /** That a run goes on or was stopped, in a sentence: the headline's numbers are those of a moment. */
  readonly unfinished?: string;
}

/** What a report's folder holds; the page is the last to appear. */
export const REPORT_FILES = [
  'items.csv',
  'items.json',
  'renamed.csv',
  'removals.csv',
  'summary.json',
  'report.html',
] as const;

/** Where `migrate report` leaves it by default, below the present folder. */
export const makeReportFolder = (migration: string, run: number): string =>
  join('drover-report', `${migration}-run-${run}`);

/**
 * Reads the ledger in one read-only snapshot and writes the report; memory does not grow with the number of
 * items. Files appear under their names only when all are whole, and replace those of an earlier report.
 * Undefined when the ledger does not know the migration or the run. Throws `Fault('unavailable')` when the
 * ledger does not answer, and the file system's errors.
 */
export async function writeReport(ledger: Ledger, request: ReportRequest): Promise<WrittenReport | undefined> {
  const runs = await readRuns(ledger.pool, request.migration);
  const number =
    request.run === undefined ? runs.at(-1)?.number : runs.find((run) => run.number === request.run)?.number;
  if (number === undefined) return undefined;
  const folder = typeof request.folder === 'string' ? request.folder : request.folder(number);
  await mkdir(folder, { recursive: true });
  const part = (name: string): string => join(folder, `.${name}.${process.pid}.part`);
  try {
    // Of a process with this number that was killed.
    for (const name of REPORT_FILES) await rm(part(name), { force: true });
    const files = await openItemFiles(part('items.csv'), part('items.json'), part('renamed.csv'));
    let report: Gathered | undefined;
    try {
      report = await readSnapshot(ledger, async (sql) => {
        await writeRemovals(sql, { migration: request.migration, run: number }, part('removals.csv'));
        return gather(sql, request.migration, number, files);
      });
      await files.finish();
    } finally {
      await files.close();
    }
    if (report === undefined) return undefined;
    await writeFile(part('summary.json'), `${JSON.stringify(summary(report), null, 2)}\n`, { flag: 'wx' });
    await writeFile(part('report.html'), page(report), { flag: 'wx' });
    // The page last: where it is, the rest is too.
    for (const name of REPORT_FILES) {
      const isThere =
        name === 'renamed.csv'
          ? report.renames.count > 0
          : name === 'removals.csv'
            ? report.approvals.some(({ gate }) => gate === 'approval')
            : true;
      if (isThere) await rename(part(name), join(folder, name));
      else await rm(join(folder, name), { force: true });
    }
    return {
      html: join(folder, 'report.html'),
      folder,
      run: report.run.number,
      verdict: report.verdict,
      headline: headline(report),
      ...(report.unfinished && { unfinished: report.unfinished.sentence }),
    };
  } finally {
    for (const name of REPORT_FILES) await rm(part(name), { force: true });
  }
}
