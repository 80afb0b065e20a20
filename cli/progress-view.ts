/** Progress as people and programs read it: a block of lines on a terminal, one JSON object a line elsewhere. */
import { causesOf, namesWords, whoWords, whyWords } from '../words/causes.js';
import { changeWords, countWords } from '../words/count-words.js';
import { count, duration, plural, size } from '../words/numbers.js';
import type { FileUnderWay } from '../words/progress.js';
import { gateBlock, openCommand, waitingFor } from './gate-lines.js';
import type { Style } from './output.js';
import { fitted, fittedEnd, printable, wrapped } from './output.js';
import type { Snapshot, UnitTrouble } from './snapshot.js';

/** Gates and files shown; beyond them their number. */
const MAX_GATES = 5;
const MAX_FILES = 4;
const MAX_TROUBLES = 3;

/** The live view: plain lines no wider than the terminal, colours apart. */
export function liveLines(snapshot: Snapshot, columns: number, style: Style): string[] {
  const { progress, totals } = snapshot;
  const { units } = progress;
  const lines = [
    [style.bold(progress.name), `run ${progress.run}`, stateWords(snapshot), unitWords(units)]
      .filter(Boolean)
      .join(' · '),
    `${bar(totals, Math.min(40, columns - 10), style)} ${percent(totals.verified, totals.items - totals.skipped)}`,
    fitted(itemWords(snapshot), columns),
  ];
  for (const line of [writtenWords(snapshot), rateWords(snapshot)])
    if (line !== '') lines.push(style.dim(fitted(line, columns)));
  for (const file of snapshot.files.slice(0, MAX_FILES)) lines.push(fileWords(file, columns));
  if (snapshot.files.length > MAX_FILES)
    lines.push(style.dim(`  ${count(snapshot.files.length - MAX_FILES)} more large files under way`));
  const troubles = troubleWords(snapshot.troubles);
  for (const said of troubles.slice(0, MAX_TROUBLES)) lines.push(...wrapped(said, columns, '  ').map(style.yellow));
  for (const { head, toDo } of gateBlock(progress, columns, MAX_GATES)) lines.push(...head.map(style.yellow), ...toDo);
  const more = waitingFor(progress).length - MAX_GATES;
  if (more > 0) lines.push(`${count(more)} more gates: migrate status ${progress.name}`);
  lines.push(style.dim(fitted('Ctrl-C ends watching; the migration goes on', columns)));
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
    itemsPerSecond: Math.round(snapshot.itemsPerSecond * 10) / 10,
    bytesPerSecond: Math.round(snapshot.bytesPerSecond),
    ...(snapshot.secondsLeft !== undefined && { secondsLeft: snapshot.secondsLeft }),
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

export function unitWords(units: Snapshot['progress']['units']): string {
  const parts = [
    `${count(units.done)} of ${plural(units.total, 'unit')} done`,
    units.running > 0 && `${count(units.running)} running`,
    units.waiting > 0 && `${count(units.waiting)} waiting`,
    units.parked > 0 && `${count(units.parked)} parked`,
    units.failed > 0 && `${count(units.failed)} failed`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function stateWords({ progress, phases }: Snapshot): string {
  if (progress.state !== 'running') return progress.state;
  const at = Object.entries(phases).filter(([, units]) => units > 0);
  return at.length === 0 ? 'running' : at.map(([phase]) => PHASE_WORDS[phase as keyof typeof PHASE_WORDS]).join(', ');
}

const PHASE_WORDS = { survey: 'surveying', move: 'moving', verify: 'verifying' } as const;

function itemWords({ totals }: Snapshot): string {
  if (totals.items === 0) return 'no items counted yet';
  return countWords(totals);
}

/** What has been written, in bytes and by what was done. */
function writtenWords({ totals }: Snapshot): string {
  if (totals.items === 0) return '';
  const { bytesArrived, bytes } = totals;
  return [`${size(bytesArrived)} of ${size(bytes)}`, changeWords(totals)].filter(Boolean).join('; ');
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

/** Rates, and the time left as the guess that it is; empty when neither is known. */
export function rateWords(snapshot: Snapshot): string {
  const { itemsPerSecond, bytesPerSecond, secondsLeft } = snapshot;
  const parts: string[] = [];
  if (itemsPerSecond > 0 || bytesPerSecond > 0)
    parts.push(`${count(Math.round(itemsPerSecond * 10) / 10)} items/s`, `${size(Math.round(bytesPerSecond))}/s`);
  if (secondsLeft !== undefined) parts.push(`about ${duration(secondsLeft * 1000)} left`);
  return parts.join(' · ');
}

/** Verified full, arrived half, the rest empty; what is skipped has no part in it. */
export function bar(totals: Snapshot['totals'], width: number, style: Style): string {
  const cells = Math.max(10, width);
  const all = totals.items - totals.skipped;
  const part = (items: number): number => (all <= 0 ? 0 : Math.floor((cells * items) / all));
  const full = Math.min(cells, part(totals.verified));
  const half = Math.min(cells - full, part(totals.verified + totals.arrived) - full);
  return style.green('█'.repeat(full)) + style.cyan('▓'.repeat(half)) + style.dim('░'.repeat(cells - full - half));
}

/** Never 100 % before the last item. */
function percent(part: number, whole: number): string {
  return whole <= 0 ? '' : `${Math.floor((100 * part) / whole)} %`;
}
