/** Progress as people and programs read it: a block of lines on a terminal, one JSON object a line elsewhere. */
import { causesOf, namesWords, whoWords, whyWords } from '../words/causes.js';
import { changeWords, countWords } from '../words/count-words.js';
import { count, duration, size } from '../words/numbers.js';
import type { FileUnderWay } from '../words/progress.js';
import { LEASE_MS } from '../words/progress.js';
import type { Phase } from '../words/units.js';
import { unitCounts } from '../words/units.js';
import { gateBlock, openCommand, waitingFor } from './gate-lines.js';
import { noWorker } from './migration.js';
import type { Style } from './output.js';
import { fitted, fittedEnd, printable, wrapped } from './output.js';
import type { Untold } from './pace.js';
import { atWorkLines, barLines, PHASE_WORDS, percent } from './progress-lines.js';
import type { LostUnit } from './silence.js';
import type { Snapshot, UnitTrouble } from './snapshot.js';
import type { TemporalAccess } from './temporal.js';
import type { WorkerSeen } from './workers.js';
import { placeOf } from './workers.js';

/** Lines of each sort; beyond them their number. */
const MAX_GATES = 5;
const MAX_FILES = 4;
const MAX_TROUBLES = 3;
const MAX_LOST = 3;

const HINT = 'Ctrl-C ends watching; the migration goes on';

/** The live view: plain lines no wider than the terminal, colours apart. */
export function liveLines(snapshot: Snapshot, columns: number, style: Style): string[] {
  const { progress, files, troubles, lost } = snapshot;
  const head = [`run ${progress.run}`, stateWords(snapshot), unitCounts(progress.units)].filter(Boolean).join(' · ');
  const lines = [
    `${style.bold(progress.name)}${fitted(` · ${head}`, Math.max(10, columns - progress.name.length))}`,
    ...barLines(snapshot, columns, style),
    ...countLines(snapshot).flatMap((line) => wrapped(line, columns, '  ')),
    style.dim(fitted(rateWords(snapshot), columns)),
    ...atWorkLines(snapshot, columns),
  ];
  for (const file of files.slice(0, MAX_FILES)) lines.push(fileWords(file, columns));
  if (files.length > MAX_FILES)
    lines.push(style.dim(`  ${count(files.length - MAX_FILES)} more large files under way`));
  const warnings = [
    ...silenceWords(snapshot),
    ...lostWords(lost).slice(0, MAX_LOST),
    ...troubleWords(troubles).slice(0, MAX_TROUBLES),
  ];
  for (const warning of warnings) lines.push(...wrapped(warning, columns, '  ').map(style.yellow));
  for (const { head, toDo } of gateBlock(progress, columns, MAX_GATES)) lines.push(...head.map(style.yellow), ...toDo);
  const more = waitingFor(progress).length - MAX_GATES;
  if (more > 0) lines.push(`${count(more)} more gates: migrate status ${progress.name}`);
  lines.push(style.dim(fitted(HINT, columns)));
  return lines;
}

/** The same for programs; accounts are named where somebody has to do something, files are not. */
export function progressRecord(snapshot: Snapshot): Record<string, unknown> {
  const { progress, totals } = snapshot;
  return {
    at: new Date(snapshot.at).toISOString(),
    migration: progress.name,
    run: progress.run,
    state: progress.state,
    units: progress.units,
    totals,
    measure: progress.measure ?? 'items',
    itemsPerSecond: Math.round(snapshot.itemsPerSecond * 10) / 10,
    bytesPerSecond: Math.round(snapshot.bytesPerSecond),
    ...snapshot.left,
    ...(snapshot.workers && { workers: snapshot.workers.length }),
    ...(snapshot.silentSeconds !== undefined && { silentSeconds: snapshot.silentSeconds }),
    ...(snapshot.lost.length > 0 && { lost: snapshot.lost.map(({ unit, why, seconds }) => ({ unit, why, seconds })) }),
    ...(snapshot.files.length > 0 && { files: snapshot.files.map(({ bytes, done }) => ({ bytes, done })) }),
    ...(snapshot.troubles.length > 0 && { troubles: snapshot.troubles }),
    gates: progress.gates.map((gate) => ({
      unit: gate.n,
      ...(gate.account !== undefined && { account: gate.account }),
      gate: gate.gate,
      reason: gate.reason,
      ...(gate.next && { next: gate.next }),
      command: openCommand(progress.name, gate),
    })),
  };
}

function stateWords({ progress, phases }: Snapshot): string {
  if (progress.state !== 'running') return progress.state;
  const at = Object.entries(phases).filter(([, units]) => units > 0);
  return at.length === 0 ? 'running' : at.map(([phase]) => PHASE_WORDS[phase as Phase]).join(', ');
}

/** How many items stand where, and what was written of them. */
export function countLines({ totals }: Pick<Snapshot, 'totals'>): string[] {
  if (totals.items === 0) return [];
  const written = [`${size(totals.bytesArrived)} of ${size(totals.bytes)}`, changeWords(totals)];
  return [countWords(totals), written.filter(Boolean).join('; ')];
}

/** A large file under way: its share and its bytes, and as much of the end of its path as there is room for. */
export function fileWords({ path, bytes, done }: FileUnderWay, columns: number): string {
  const told = `  ${percent(done, bytes)} of ${size(bytes)}  `;
  return told + fittedEnd(printable(path), Math.max(8, columns - told.length));
}

/** What fails while it goes on, each cause once: items, or the work on whole units. */
export function troubleWords(troubles: readonly UnitTrouble[]): string[] {
  const stuck = troubles.map(({ unit, ...trouble }) => ({ n: unit, ...trouble }));
  const tried = causesOf(stuck.filter(({ items }) => items === undefined));
  const failed = causesOf(stuck.filter(({ items }) => items !== undefined));
  return [
    ...tried.map((cause) => {
      const again = `${whoWords(cause)}${cause.count === 1 ? ', is' : ' are'} tried again`;
      return printable(`${again}: ${cause.reason} ${namesWords(cause)}`.trimEnd());
    }),
    ...failed.map((cause) => printable(whyWords(cause))),
  ];
}

/** The live view while nothing is known yet. */
export function silentLines(name: string, why: readonly string[], columns: number, style: Style): string[] {
  return [
    `${style.bold(name)} · waiting for a worker to say where it stands`,
    ...why.flatMap((line) => wrapped(line, columns, '  ')).map(style.yellow),
    ...(why.length > 0
      ? wrapped('  what moves is safe: another worker goes on where this one stopped', columns, '  ')
      : []),
    style.dim(fitted(HINT, columns)),
  ];
}

/** That nobody answers, and who might. */
export function silenceWords({ silentSeconds, workers }: Pick<Snapshot, 'silentSeconds' | 'workers'>): string[] {
  if (silentSeconds === undefined) return [];
  const [latest] = workers ?? [];
  if (workers?.length === 0) return ['no worker asks for work: start one with `migrate worker`'];
  const who = latest === undefined ? '' : `; the last that asked for work is on ${placeOf(latest.identity)}`;
  return [`no worker has answered for ${secondsWords(silentSeconds)}${who}`];
}

/** Why nothing is known of a migration yet: there is no worker, or the one there is does not answer. */
export function unansweredWords(
  temporal: TemporalAccess,
  silentSeconds: number,
  workers: readonly WorkerSeen[] | undefined,
): string[] {
  if (workers?.length === 0) return [noWorker(temporal)];
  return silenceWords({ silentSeconds, ...(workers && { workers }) });
}

/** Units whose worker is gone, or frozen: those of one worker together. */
export function lostWords(lost: readonly LostUnit[]): string[] {
  const longest = (worker: string | undefined): number =>
    lost.reduce((most, one) => (one.worker === worker ? Math.max(most, one.seconds) : most), 0);
  const why = ({ why, worker }: LostUnit): string =>
    why === 'silent'
      ? `the worker${worker ? ` on ${placeOf(worker)}` : ''} has said nothing for ${secondsWords(longest(worker))}`
      : `a worker was lost; waiting until its lease ends (${LEASE_MS / 1000} s), then another goes on`;
  const stuck = lost.map(({ unit, why: _why, seconds: _seconds, worker: _worker, ...named }) => ({
    n: unit,
    ...named,
  }));
  return causesOf(stuck.map((named, at) => ({ ...named, reason: why(lost[at] as LostUnit) }))).map((cause) =>
    printable(whyWords(cause)),
  );
}

/** Rates, and the time left as the guess that it is, or why it cannot be told. */
export function rateWords({ itemsPerSecond, bytesPerSecond, left }: Snapshot, isWatched = true): string {
  const parts: string[] = [];
  if (itemsPerSecond > 0 || bytesPerSecond > 0)
    parts.push(`${count(Math.round(itemsPerSecond * 10) / 10)} items/s`, `${size(Math.round(bytesPerSecond))}/s`);
  // Who looks only once has measured nothing.
  if (isWatched || ('untold' in left && left.untold !== 'measuring'))
    parts.push(
      'secondsLeft' in left ? `about ${leftWords(left.secondsLeft)} left` : `time left: ${UNTOLD[left.untold]}`,
    );
  return parts.join(' · ');
}

const UNTOLD: Readonly<Record<Untold, string>> = {
  paused: 'paused',
  waiting: 'waiting',
  counting: 'still counting',
  measuring: 'not known yet',
  ending: 'ending',
};

/** A guess is not told to the second. */
function leftWords(seconds: number): string {
  const grain = seconds < 20 ? 1 : seconds < 120 ? 5 : seconds < 600 ? 30 : seconds < 7_200 ? 60 : 600;
  return secondsWords(Math.max(grain, Math.round(seconds / grain) * grain));
}

/** Whole seconds: nobody looks closer. */
const secondsWords = (seconds: number): string => (seconds < 60 ? `${seconds} s` : duration(1000 * seconds));
