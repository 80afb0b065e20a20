/** How long a run of files would take, and what that rests on. */
import type { PhaseSums } from '../../ledger/planned.js';
import { bandwidthNow } from '../../schemas/bandwidth.js';
import type { Limits, Spec } from '../../schemas/spec.js';
import type { PlanForecast } from '../../words/plan.js';

/** What one unit would have to do. */
export interface Work {
  /** The systems as the spec calls them. */
  readonly from: string;
  readonly to: string;
  /** What the survey lists. */
  readonly listed: number;
  /** To be written, looked into or removed. */
  readonly items: number;
  readonly bytes: number;
  /** Of these: what is read back from the target as proof. */
  readonly proven: Amount;
  /** What earlier runs took. */
  readonly measured: readonly PhaseSums[];
}

export interface Amount {
  readonly items: number;
  readonly bytes: number;
}

interface Span {
  readonly least: number;
  readonly most: number;
}

/**
 * Units run side by side, one after the other, or something between: the longest and the sum are the bounds, and no
 * system lets pass more than its limits. Undefined when nothing is to do.
 */
export function forecast(spec: Spec, works: readonly Work[], nowMs: number): PlanForecast | undefined {
  const busy = works.filter(({ items }) => items > 0);
  if (busy.length === 0) return undefined;
  const spans = busy.map(spanOf);
  const known = spans.filter((span) => span !== undefined);
  const limit = tightest(spec, busy, nowMs);
  const least = Math.max(limit?.seconds ?? 0, ...known.map((span) => span.least));
  const most = Math.max(
    least,
    known.reduce((sum, span) => sum + span.most, 0),
  );
  const unmeasured = spans.length - known.length;
  return {
    items: busy.reduce((sum, { items }) => sum + items, 0),
    bytes: busy.reduce((sum, { bytes }) => sum + bytes, 0),
    ...((limit !== undefined || known.length > 0) && { atLeast: least }),
    ...(unmeasured === 0 && { atMost: most }),
    ...(limit && { limit }),
    unmeasured,
  };
}

/** Less than a hundredth of the work says nothing about the rest. */
const ENOUGH = 0.01;

/** From what its earlier slices took; undefined where they tell too little. */
function spanOf({ listed, items, bytes, proven, measured }: Work): Span | undefined {
  const of = (phase: string): PhaseSums | undefined => measured.find((one) => one.phase === phase);
  const moved = of('move');
  if (!moved || moved.items < items * ENOUGH || moved.bytes < bytes * ENOUGH) return undefined;
  const survey = of('survey');
  const listing = survey && survey.items > 0 ? (listed * survey.seconds) / survey.items : 0;
  const moving = fitted(moved, { items, bytes });
  const verified = of('verify');
  const proving = verified ? fitted(verified, proven) : { least: 0, most: 0 };
  return { least: listing + moving.least + proving.least, most: listing + moving.most + proving.most };
}

/**
 * Seconds as so many for each item and so many for each byte, by least squares over the slices. Where those are all of
 * one mix, or too uneven, the two cannot be told apart: then the rate by items and the rate by bytes are the bounds.
 */
function fitted(sums: PhaseSums, { items, bytes }: Amount): Span {
  const { itemsItems: ii, itemsBytes: ib, bytesBytes: bb, itemsSeconds: it, bytesSeconds: bt } = sums;
  const both = ii * bb - ib * ib;
  if (sums.slices > 2 && both > 0.05 * ii * bb) {
    const perItem = (it * bb - bt * ib) / both;
    const perByte = (bt * ii - it * ib) / both;
    const seconds = items * perItem + bytes * perByte;
    if (perItem >= 0 && perByte >= 0) return { least: seconds, most: seconds };
  }
  const rates = [
    ...(sums.items > 0 ? [(items * sums.seconds) / sums.items] : []),
    ...(sums.bytes > 0 ? [(bytes * sums.seconds) / sums.bytes] : []),
  ];
  return rates.length === 0 ? { least: 0, most: 0 } : { least: Math.min(...rates), most: Math.max(...rates) };
}

function tightest(spec: Spec, works: readonly Work[], nowMs: number): PlanForecast['limit'] {
  let tight: PlanForecast['limit'];
  const sides = [
    { systems: spec.sources, side: 'source', nameOf: (work: Work) => work.from, proofs: 0 },
    { systems: spec.targets, side: 'target', nameOf: (work: Work) => work.to, proofs: 1 },
  ] as const;
  for (const { systems, side, nameOf, proofs } of sides) {
    for (const name of new Set(works.map(nameOf))) {
      const limits = systems[name]?.limits;
      const mine = works.filter((work) => nameOf(work) === name);
      const amount = {
        items: mine.reduce((sum, work) => sum + work.items + proofs * work.proven.items, 0),
        bytes: mine.reduce((sum, work) => sum + work.bytes + proofs * work.proven.bytes, 0),
      };
      const seconds = limits ? allowed(limits, amount, nowMs) : 0;
      if (seconds > (tight?.seconds ?? 0)) tight = { system: `${side} ${name}`, seconds };
    }
  }
  return tight;
}

const MINUTE_MS = 60_000;
const WEEK_MINUTES = 7 * 24 * 60;

/** Seconds, at the earliest, until limits have let so much pass, beginning now. 0 where they set no rate. */
export function allowed(limits: Limits, { items, bytes }: Amount, nowMs: number): number {
  const { itemsPerSecond, bytesPerSecond, bandwidth } = limits;
  const forItems = itemsPerSecond === undefined ? 0 : items / itemsPerSecond;
  if (!bandwidth) return Math.max(forItems, bytesPerSecond === undefined ? 0 : bytes / bytesPerSecond);
  const rateAt = (minute: number): number =>
    Math.min(bandwidthNow(bandwidth, nowMs + minute * MINUTE_MS) ?? Infinity, bytesPerSecond ?? Infinity);
  let left = bytes;
  for (let minute = 0; left > 0; minute++) {
    if (minute === WEEK_MINUTES) {
      // Timetables return each week: whole ones are counted off, the rest is walked once more.
      const weeks = Math.floor(left / (bytes - left));
      const rest = left - weeks * (bytes - left);
      const week = WEEK_MINUTES * 60;
      const last =
        rest > 0
          ? allowed({ bandwidth, ...(bytesPerSecond && { bytesPerSecond }) }, { items: 0, bytes: rest }, nowMs)
          : 0;
      return Math.max(forItems, (1 + weeks) * week + last);
    }
    const rate = rateAt(minute);
    if (left <= rate * 60) return Math.max(forItems, minute * 60 + (rate === Infinity ? 0 : left / rate));
    left -= rate * 60;
  }
  return forItems;
}
