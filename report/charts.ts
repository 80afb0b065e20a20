/** The two charts, as inline SVG in the page's colours. */
import type { ReportSlice } from '../ledger/report.js';
import { count, duration, plural, share } from '../words/numbers.js';
import { MEANINGS, STANDINGS } from './standing.js';
import type { Sums } from './sums.js';

const WIDTH = 960;

/** One bar, a stretch for each standing; the smallest still shows. */
export function outcomeChart(sums: Sums): string {
  const present = STANDINGS.filter((standing) => sums.standings[standing] > 0);
  if (present.length === 0) return '';
  const gap = 2;
  const least = 6;
  const room = WIDTH - gap * (present.length - 1);
  const small = present.filter((standing) => (room * sums.standings[standing]) / sums.items < least);
  const large = present.filter((standing) => !small.includes(standing));
  const largeItems = large.reduce((sum, standing) => sum + sums.standings[standing], 0);
  let x = 0;
  const bars = present.map((standing) => {
    const items = sums.standings[standing];
    const width = small.includes(standing) ? least : ((room - small.length * least) * items) / largeItems;
    const bar = `<rect x="${x.toFixed(1)}" y="0" width="${width.toFixed(1)}" height="28" rx="4" fill="var(--${standing})"><title>${MEANINGS[standing].title}: ${count(items)}</title></rect>`;
    x += width + gap;
    return bar;
  });
  const legend = present.map(
    (standing) =>
      `<tr><td><span class="dot" style="background:var(--${standing})"></span>${MEANINGS[standing].title}</td><td class="n">${count(sums.standings[standing])}</td><td class="n">${share(sums.standings[standing], sums.items)}</td><td class="soft">${MEANINGS[standing].meaning}</td></tr>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} 28" role="img" aria-label="outcomes of ${plural(sums.items, 'item')}">${bars.join('')}</svg>
<table class="legend-table"><tbody>${legend.join('')}</tbody></table>`;
}

const PHASE_COLOURS: Readonly<Record<string, string>> = {
  survey: 'var(--pending)',
  move: 'var(--arrived)',
  verify: 'var(--verified)',
};
const PHASE_WORDS: Readonly<Record<string, string>> = { survey: 'surveyed', move: 'moved', verify: 'verified' };

interface Line {
  readonly phase: string;
  readonly points: readonly (readonly [ms: number, items: number])[];
  readonly items: number;
}

/** Items handled since the run began, a line for each phase; empty when the ledger has no slices of the run. */
export function progressChart(startedAt: Date, slices: readonly ReportSlice[]): string {
  const lines = linesOf(startedAt, slices);
  if (lines.length === 0) return '';
  const height = 240;
  const [left, right, top, bottom] = [64, 24, 12, 30];
  const span = Math.max(1, ...lines.flatMap(({ points }) => points.map(([ms]) => ms)));
  const most = Math.max(...lines.map(({ items }) => items));
  const ticks = niceTicks(most);
  const highest = ticks.at(-1) ?? 1;
  const x = (ms: number): number => left + ((WIDTH - left - right) * ms) / span;
  const y = (items: number): number => height - bottom - ((height - top - bottom) * items) / highest;
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${left}" x2="${WIDTH - right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/><text x="${left - 8}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${count(tick)}</text>`,
  );
  const times = [0, 0.25, 0.5, 0.75, 1].map(
    (part) =>
      `<text x="${x(part * span).toFixed(1)}" y="${height - 8}" text-anchor="${part === 0 ? 'start' : part === 1 ? 'end' : 'middle'}">${part === 0 ? 'start' : `+${duration(part * span)}`}</text>`,
  );
  const drawn = lines.map((line) => {
    const colour = colourOf(line);
    const path = line.points.map(
      ([ms, items], at) => `${at === 0 ? 'M' : 'L'}${x(ms).toFixed(1)},${y(items).toFixed(1)}`,
    );
    const [endX, endY] = [x(line.points.at(-1)?.[0] ?? 0), y(line.items)];
    return `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/><circle cx="${endX.toFixed(1)}" cy="${endY.toFixed(1)}" r="3.5" fill="${colour}"/>`;
  });
  const legend = lines.map(
    (line) =>
      `<span><span class="dot" style="background:${colourOf(line)}"></span>${count(line.items)} ${PHASE_WORDS[line.phase] ?? line.phase}</span>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="items handled over time">${grid.join('')}${times.join('')}${drawn.join('')}</svg>
<div class="legend">${legend.join('')}<span class="soft">in ${duration(span)}</span></div>`;
}

const colourOf = ({ phase }: Line): string => PHASE_COLOURS[phase] ?? 'var(--soft)';

function linesOf(startedAt: Date, slices: readonly ReportSlice[]): Line[] {
  const lines: Line[] = [];
  for (const phase of ['survey', 'move', 'verify']) {
    const points: [number, number][] = [];
    let items = 0;
    for (const slice of slices.filter((one) => one.phase === phase)) {
      // Flat while no slice of this phase was at work.
      const since = Math.max(0, slice.since.getTime() - startedAt.getTime());
      if (since >= (points.at(-1)?.[0] ?? 0)) points.push([since, items]);
      items += slice.items;
      points.push([Math.max(since, slice.at.getTime() - startedAt.getTime()), items]);
    }
    if (items > 0) lines.push({ phase, points, items });
  }
  return lines;
}

/** 0 and some round numbers, the last one at or above `most`. */
function niceTicks(most: number): number[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  const step = Math.max(1, ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power);
  const ticks: number[] = [];
  for (let tick = 0; tick < most + step; tick += step) ticks.push(tick);
  return ticks;
}
