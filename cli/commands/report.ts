import { resolve } from 'node:path';
import { makeReportFolder, writeReport } from '../../report/write-report.js';
import type { ReportArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { unlessInterrupted, withLedger } from '../open-ledger.js';
import { print } from '../output.js';
import type { Shell } from '../shell.js';

/** Writes the report of a run from the ledger. Exit code 0 when everything in it is verified and no run goes on, else 1. */
export async function run(shell: Shell, args: ReportArgs): Promise<number> {
  return withLedger(shell, async (ledger) => {
    const writing = unlessInterrupted(
      shell,
      writeReport(ledger, {
        migration: args.name,
        folder: (n) => resolve(shell.cwd, args.out ?? makeReportFolder(args.name, n)),
        ...(args.run !== undefined && { run: args.run }),
      }),
    );
    const report = await (shell.waiting?.during('the report to be written', writing) ?? writing);
    if (report === undefined) {
      throw new CommandError(
        exitCodes.failed,
        args.run === undefined
          ? `the ledger knows no migration "${args.name}"`
          : `the ledger knows no run ${args.run} of "${args.name}"`,
        '`migrate list` shows the migrations; a run is in the ledger as soon as a worker has taken it',
      );
    }
    await print(shell, args.output, report, () => [report.html]);
    if (report.unfinished !== undefined) shell.err(`${args.name}: ${report.unfinished}`);
    shell.err(`${args.name}, run ${report.run}: ${report.headline}`);
    return report.verdict.complete ? exitCodes.done : exitCodes.failed;
  });
}
