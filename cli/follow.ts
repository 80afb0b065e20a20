/** Watches a migration until it ends, the time is up, or Ctrl-C; the migration itself is never touched. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RunResult } from '../words/runs.js';
import { exitCodes } from './exit-codes.js';
import { gateReport, onlyGatesLeft } from './gate-lines.js';
import { migrationHandle, readResult } from './migration.js';
import type { OutputFormat } from './output.js';
import { createStyle, print } from './output.js';
import { liveLines, lostWords, progressRecord, silenceWords, silentLines, unansweredWords } from './progress-view.js';
import { isComplete, resultLines } from './result-lines.js';
import type { Shell } from './shell.js';
import type { Snapshot } from './snapshot.js';
import { createCollector } from './snapshot.js';
import type { TemporalAccess } from './temporal.js';
import { isAway, until } from './with-temporal.js';

export interface FollowOptions {
  /** Progress: a live view on a terminal, NDJSON elsewhere. Without it only what needs a person is said. */
  readonly watch: boolean;
  readonly output: OutputFormat;
  readonly color: boolean;
  readonly timeoutMs?: number;
}

export type FollowEnd =
  | { readonly end: 'result'; readonly result: RunResult }
  | { readonly end: 'failed'; readonly reason: string }
  | { readonly end: 'timeout' }
  | { readonly end: 'interrupted' };

const EVERY_MS = 1_000;
const LINE_EVERY_MS = 2_000;

/** Follows the migration to its end and says how it ended; the exit code says the same. */
export async function follow(
  shell: Shell,
  temporal: TemporalAccess,
  name: string,
  options: FollowOptions,
): Promise<number> {
  const view = createView(shell, options);
  const end = await watch(shell, temporal, name, view, options.timeoutMs);
  view.end();
  return conclude(shell, name, end, options);
}

async function watch(
  shell: Shell,
  temporal: TemporalAccess,
  name: string,
  view: View,
  timeoutMs: number | undefined,
): Promise<FollowEnd> {
  const over = new AbortController();
  const timeUp = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([shell.signal, over.signal, ...(timeUp ? [timeUp] : [])]);
  const ended = awaitEnd(temporal, name, signal, view);
  const watching = showProgress(temporal, name, signal, view);
  try {
    // Progress never ends by itself; it takes part so that its errors are heard.
    return (await Promise.race([ended, watching])) ?? { end: shell.signal.aborted ? 'interrupted' : 'timeout' };
  } finally {
    over.abort();
    await Promise.allSettled([ended, watching]);
  }
}

/** Undefined when `signal` came first. A server that is away is waited for: the migration outlives it. */
async function awaitEnd(
  temporal: TemporalAccess,
  name: string,
  signal: AbortSignal,
  view: View,
): Promise<FollowEnd | undefined> {
  for (let said = false; !signal.aborted; ) {
    try {
      const ended = await until(signal, temporal.client, () => readResult(migrationHandle(temporal, name)));
      return 'result' in ended ? { end: 'result', result: ended.result } : { end: 'failed', reason: ended.reason };
    } catch (error) {
      if (signal.aborted) break;
      if (!isAway(error)) throw error;
      if (!said) view.say(`Temporal at ${temporal.address} does not answer; waiting for it`);
      said = true;
      await pause(EVERY_MS, signal);
    }
  }
  return undefined;
}

async function showProgress(
  temporal: TemporalAccess,
  name: string,
  signal: AbortSignal,
  view: View,
): Promise<undefined> {
  const collector = createCollector(temporal, name);
  const said = new Set<string>();
  /** Once, until it was otherwise meanwhile. */
  const sayOnce = (what: string, lines: readonly string[]): void => {
    if (lines.length === 0) said.delete(what);
    else if (!said.has(what)) for (const line of lines) view.say(line);
    if (lines.length > 0) said.add(what);
  };
  const began = Date.now();
  let gates = '';
  while (!signal.aborted) {
    const snapshot = await collector.collect(signal);
    if (signal.aborted) break;
    if (snapshot) {
      view.show(snapshot);
      const waiting = onlyGatesLeft(snapshot) ? gateReport(snapshot).join('\n') : '';
      if (waiting !== gates) {
        gates = waiting;
        if (waiting !== '' && !view.showsAll) for (const line of waiting.split('\n')) view.say(line);
      }
      if (!view.showsAll) {
        sayOnce('silence', silenceWords(snapshot));
        sayOnce('lost', lostWords(snapshot.lost));
      }
    } else {
      const { workers } = collector;
      const silentSeconds = Math.round((Date.now() - began) / 1000);
      const silence = unansweredWords(temporal, silentSeconds, workers);
      if (view.showsAll) view.await(name, silence);
      else sayOnce('silence', silence);
    }
    await pause(EVERY_MS, signal);
  }
  return undefined;
}

/** Returns early when the signal comes. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

interface View {
  /** Whether `show` draws gates and lost workers, too. */
  readonly showsAll: boolean;
  show(snapshot: Snapshot): void;
  /** Nothing is known yet, and why. Only where `showsAll`. */
  await(name: string, why: readonly string[]): void;
  /** A line for people, on stderr, that a live view does not run into. */
  say(line: string): void;
  end(): void;
}

function createView(shell: Shell, options: Pick<FollowOptions, 'watch' | 'output' | 'color'>): View {
  if (!options.watch) return { showsAll: false, show: () => {}, await: () => {}, say: shell.err, end: () => {} };
  if (shell.isTty && options.output === 'text') return liveView(shell, options.color);
  let last = '';
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    showsAll: false,
    await: () => {},
    say: shell.err,
    end: () => {},
    show(snapshot) {
      if (snapshot.at - lastAt < LINE_EVERY_MS) return;
      const { at, ...rest } = progressRecord(snapshot);
      const told = JSON.stringify(rest);
      if (told === last) return;
      [last, lastAt] = [told, snapshot.at];
      shell.out(JSON.stringify({ at, ...rest }));
    },
  };
}

function liveView(shell: Shell, color: boolean): View {
  const style = createStyle(shell, color);
  // It says by itself what it waits for.
  shell.waiting?.mute(true);
  let drawn = 0;
  // ECMA-48: cursor up, then erase to the end of the screen.
  const clear = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`);
  const draw = (lines: readonly string[]): void => {
    shell.draw(`${clear()}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  return {
    showsAll: true,
    show: (snapshot) => draw(liveLines(snapshot, shell.columns, style)),
    await: (name, why) => draw(silentLines(name, why, shell.columns, style)),
    say(line) {
      shell.draw(clear());
      drawn = 0;
      shell.err(line);
    },
    end() {
      shell.waiting?.mute(false);
      shell.draw(clear());
      drawn = 0;
    },
  };
}

async function conclude(shell: Shell, name: string, end: FollowEnd, options: FollowOptions): Promise<number> {
  switch (end.end) {
    case 'result':
      if (options.watch && options.output === 'text' && !shell.isTty) shell.out(JSON.stringify({ result: end.result }));
      else await print(shell, options.output, end.result, () => resultLines(end.result));
      return isComplete(end.result) ? exitCodes.done : exitCodes.failed;
    case 'failed':
      shell.err(`migrate: migration "${name}" ended without a result: ${end.reason}`);
      shell.err(`  \`migrate logs ${name}\` shows what it did; \`migrate retry ${name}\` starts it again where it was`);
      return exitCodes.failed;
    case 'timeout':
      shell.err(`migrate: the time to wait is over; migration "${name}" goes on`);
      shell.err(`  \`migrate watch ${name}\` comes back to it`);
      return exitCodes.timedOut;
    case 'interrupted':
      shell.err(`no longer watching; migration "${name}" goes on`);
      shell.err(`  \`migrate watch ${name}\` comes back to it, \`migrate cancel ${name}\` stops it`);
      return exitCodes.interrupted;
    default:
      return end satisfies never;
  }
}
