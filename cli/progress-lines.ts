/** The parts of the live view that have to fit: the bars, and a line for each unit at work. */
import { count, plural, size } from '../words/numbers.js';
import type { Measure, SliceHeartbeat } from '../words/progress.js';
import type { Phase } from '../words/units.js';
import type { Style } from './output.js';
import { fitted, fittedEnd, padded, printable, widest } from './output.js';
import type { Snapshot } from './snapshot.js';

/** Cells of a bar; with fewer than the least there is none. */
const MOST_CELLS = 40;
const LEAST_CELLS = 8;
const MAX_AT_WORK = 4;

interface Share {
  readonly name: 'arrived' | 'verified';
  readonly part: number;
  readonly whole: number;
  readonly words: string;
}

/**
 * How much has arrived, and how much of it is proven: bar, percentage and words of a line are the same two numbers. What
 * is skipped has no part in it.
 */
export function barLines(
  { totals, progress }: Pick<Snapshot, 'totals' | 'progress'>,
  columns: number,
  style: Style,
): string[] {
  if (totals.items === 0) return ['no items counted yet'];
  const items = totals.items - totals.skipped;
  const share = (name: Share['name'], done: { readonly items: number; readonly bytes: number }): Share =>
    progress.measure === 'bytes'
      ? { name, part: done.bytes, whole: totals.bytes, words: `${size(done.bytes)} of ${size(totals.bytes)}` }
      : { name, part: done.items, whole: items, words: `${count(done.items)} of ${plural(items, 'item')}` };
  const shares = [
    share('arrived', { items: totals.verified + totals.arrived, bytes: totals.bytesArrived }),
    share('verified', { items: totals.verified, bytes: totals.bytesVerified }),
  ];
  const cells = Math.min(MOST_CELLS, columns - widest(shares.map((one) => shareWords(one))) - NAME_COLUMNS - 1);
  return shares.map((one) => {
    const name = padded(one.name, NAME_COLUMNS);
    if (cells < LEAST_CELLS) return fitted(name + shareWords(one), columns);
    return `${name}${bar(one, cells, style)} ${shareWords(one)}`;
  });
}

const NAME_COLUMNS = 'verified '.length;

const shareWords = ({ part, whole, words }: Share): string =>
  [percent(part, whole).padStart(5), words].filter(Boolean).join('  ');

function bar({ name, part, whole }: Share, cells: number, style: Style): string {
  const full = whole <= 0 ? 0 : Math.min(cells, Math.floor((cells * part) / whole));
  const paint = name === 'verified' ? style.green : style.cyan;
  return paint('█'.repeat(full)) + style.dim('░'.repeat(cells - full));
}

/** Never 100 % before the last item. */
export function percent(part: number, whole: number): string {
  return whole <= 0 ? '' : `${Math.min(100, Math.floor((100 * part) / whole))} %`;
}

/** Who is at work, where, and how far: `anna@old  INBOX/2024  moving  1,203 of 4,000`. */
export function atWorkLines({ atWork, progress }: Pick<Snapshot, 'atWork' | 'progress'>, columns: number): string[] {
  const shown = atWork.slice(0, MAX_AT_WORK).map((unit) => ({
    who: printable(unit.account ?? `unit ${unit.unit}`),
    where: printable(unit.container ?? ''),
    doing: padded(PHASE_WORDS[unit.phase], 'surveying'.length),
    far: farWords(unit, progress.measure ?? 'items'),
  }));
  const room = columns - '    '.length - 'surveying  '.length - widest(shown.map(({ far }) => far)) - 2;
  const wide = Math.min(widest(shown.map(({ who }) => who)), Math.max(12, Math.floor(room / 2)));
  const rest = Math.max(0, Math.min(widest(shown.map(({ where }) => where)), room - wide));
  const lines = shown.map(({ who, where, doing, far }) => {
    const place = room - wide < LEAST_CELLS || rest === 0 ? '' : `${padded(fittedEnd(where, rest), rest)}  `;
    return fitted(`  ${padded(fitted(who, wide), wide)}  ${place}${doing}  ${far}`.trimEnd(), columns);
  });
  const more = progress.units.running - shown.length;
  return more > 0 && shown.length > 0 ? [...lines, `  ${count(more)} more at work`] : lines;
}

function farWords({ phase, counters }: SliceHeartbeat, measure: Measure): string {
  const { items, skipped, arrived, verified, bytes, bytesArrived, bytesVerified } = counters;
  if (phase === 'survey') return items > 0 ? `${count(items)} found` : '';
  const all = items - skipped;
  if (measure === 'bytes') return `${size(phase === 'move' ? bytesArrived : (bytesVerified ?? 0))} of ${size(bytes)}`;
  return `${count(phase === 'move' ? verified + arrived : verified)} of ${count(all)}`;
}

export const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  survey: 'surveying',
  move: 'moving',
  verify: 'verifying',
};
