import type { WorkflowExecutionDescription } from '@temporalio/client';
import { whyWords } from '../../words/causes.js';
import { changeWords, countWords } from '../../words/count-words.js';
import type { Counters } from '../../words/counters.js';
import { ago, count, instant, size } from '../../words/numbers.js';
import type { RunResult } from '../../words/runs.js';
import { unitCounts } from '../../words/units.js';
import type { Progress } from '../../workflows/messages.js';
import type { StatusArgs } from '../arguments.js';
import { choiceWords } from '../choice.js';
import { exitCodes } from '../exit-codes.js';
import { gatePage } from '../gate-lines.js';
import { ANSWER_MS, isRunning, migrationHandle, readResult, requireMigration } from '../migration.js';
import { print, printable, wrapped } from '../output.js';
import { atWorkLines } from '../progress-lines.js';
import { fileWords, lostWords, rateWords, troubleWords, unansweredWords } from '../progress-view.js';
import { resultLines } from '../result-lines.js';
import type { Shell } from '../shell.js';
import type { LostUnit } from '../silence.js';
import type { Snapshot } from '../snapshot.js';
import { createCollector } from '../snapshot.js';
import { withTemporal } from '../with-temporal.js';

/** Names are cut beyond so many. */
const LINE_COLUMNS = 200;

interface Status {
  readonly migration: string;
  readonly running: boolean;
  /** Of the migration's own progress while it runs, else how its last execution ended. */
  readonly state: string;
  readonly since: string;
  readonly ended?: string;
  readonly spec?: unknown;
  readonly progress?: Progress;
  readonly totals?: Counters;
  /** Who asks for work. */
  readonly workers?: number;
  readonly lost?: readonly LostUnit[];
  readonly result?: RunResult;
  readonly reason?: string;
}

/** Where a migration stands, or how it ended. */
export async function run(shell: Shell, args: StatusArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    const found = await requireMigration(temporal, args.name);
    const base = { migration: args.name, since: found.startTime.toISOString(), spec: found.memo?.specHash };
    let status: Status;
    let snapshot: Snapshot | undefined;
    if (isRunning(found)) {
      const collector = createCollector(temporal, args.name);
      snapshot = await collector.collect(shell.signal);
      shell.signal.throwIfAborted();
      status = {
        ...base,
        running: true,
        state: snapshot?.progress.state ?? 'unknown: no worker answers',
        ...(snapshot && {
          spec: snapshot.progress.specHash,
          progress: snapshot.progress,
          totals: snapshot.totals,
          lost: snapshot.lost,
        }),
        ...(collector.workers && { workers: collector.workers.length }),
      };
      if (!snapshot) for (const line of unansweredWords(temporal, ANSWER_MS / 1000, collector.workers)) shell.err(line);
    } else {
      status = { ...base, running: false, ...ended(found), ...(await readEnd()) };
    }
    await print(shell, args.output, status, () =>
      statusLines(status, snapshot, shell.isTty ? shell.columns : Number.POSITIVE_INFINITY),
    );
    return exitCodes.done;

    async function readEnd(): Promise<Partial<Status>> {
      const end = await readResult(migrationHandle(temporal, args.name));
      return 'result' in end
        ? { state: end.result.state, result: end.result, totals: end.result.totals }
        : { reason: end.reason };
    }
  });
}

function ended(found: WorkflowExecutionDescription): Pick<Status, 'state' | 'ended'> {
  return {
    state: found.status.name.toLowerCase(),
    ...(found.closeTime && { ended: found.closeTime.toISOString() }),
  };
}

const when = (at: string | undefined): string =>
  at === undefined ? 'not known' : `${instant(new Date(at))} (${ago(new Date(at))})`;

function statusLines(status: Status, snapshot: Snapshot | undefined, columns: number): string[] {
  if (status.result) return [...resultLines(status.result), `ended: ${when(status.ended)}`];
  const { progress, totals } = status;
  const only = progress && choiceWords(progress);
  const lines = [
    `${status.migration}: ${status.state}${progress ? `, run ${progress.run} (${progress.reason})` : ''}${only ? `, only ${only}` : ''}`,
  ];
  lines.push(`since: ${when(status.since)}${status.ended ? `, ended: ${when(status.ended)}` : ''}`);
  if (status.reason) lines.push(`reason: ${printable(status.reason)}`);
  if (progress && totals) {
    lines.push(`units: ${unitCounts(progress.units)}`);
    lines.push(
      `items${progress.state === 'done' ? '' : ' so far'}: ${countWords(totals)}`,
      `bytes: ${size(totals.bytesArrived)} of ${size(totals.bytes)} arrived`,
      `this run: ${changeWords(totals) || 'nothing written so far'}`,
    );
    const rates = snapshot ? rateWords(snapshot, false) : '';
    if (rates !== '') lines.push(rates.startsWith('time left') ? rates : `rate: ${rates}`);
    for (const line of snapshot ? atWorkLines(snapshot, LINE_COLUMNS) : []) lines.push(`at work: ${line.trim()}`);
    for (const said of lostWords(snapshot?.lost ?? [])) lines.push(...wrapped(`lost: ${said}`, columns, '  '));
    for (const file of snapshot?.files ?? []) lines.push(`file: ${fileWords(file, LINE_COLUMNS).trim()}`);
    for (const said of troubleWords(snapshot?.troubles ?? []))
      lines.push(...wrapped(`trouble: ${said}`, columns, '  '));
    for (const cause of progress.failedFor ?? [])
      lines.push(...wrapped(`failed: ${printable(whyWords(cause))}`, columns, '  '));
    if (progress.units.failed > 0) lines.push(`        migrate retry ${progress.name}`);
    lines.push(...gatePage(progress, columns));
    if (progress.tuning)
      lines.push(
        `tuned: ${Object.entries(progress.tuning)
          .map(([name, value]) => `${name} ${count(value)}`)
          .join(', ')}`,
        `       migrate retune ${progress.name} --reset takes it back`,
      );
    if (progress.queued > 0)
      lines.push(`queued: ${count(progress.queued)} more ${progress.queued === 1 ? 'run' : 'runs'}`);
  }
  return lines;
}
