/** How fast a migration goes, and how long the rest of it takes: a guess from the last half minute in which work really went on. */
import type { Counters } from '../words/counters.js';
import type { Phase } from '../words/units.js';
import type { Progress } from '../workflows/messages.js';

/** Where a migration stood at one moment. */
export interface Moment {
  readonly at: number;
  readonly state: Progress['state'];
  readonly units: Progress['units'];
  readonly totals: Counters;
  readonly phases: Readonly<Record<Phase, number>>;
  /** Whether somebody was seen to work at that moment: a slice that tells where it is. */
  readonly isWorking: boolean;
}

/**
 * Why the time left cannot be told: somebody paused it; it waits for a worker, a lease or a person; items are still being
 * counted; nothing was measured yet, or nothing has ended for a while.
 */
export type Untold = 'paused' | 'waiting' | 'counting' | 'measuring' | 'ending';

export type TimeLeft = { readonly secondsLeft: number } | { readonly untold: Untold };

export interface Pace {
  note(moment: Moment): void;
  timeLeft(): TimeLeft;
  /** Of what arrives; undefined while nothing is known of the last seconds, or nothing arrives. */
  bytesPerSecond(): number | undefined;
}

/** The stretch of work that rates are taken from, and how far it is stretched where little ends. */
const WINDOW_MS = 30_000;
const LONGEST_WINDOW_MS = 180_000;
const STEPS_WANTED = 10;
/** Less than this tells nothing. */
const SHORTEST_MS = 3_000;
/** Whoever did not look for so long knows nothing of the time in between. */
const LOOKED_AWAY_MS = 15_000;
/**
 * Units that were seen to end, before those that are not counted yet are guessed from them: twice as many as work at once,
 * which end at nearly the same time where they are alike.
 */
const UNITS_WANTED = 5;
const TURNS_WANTED = 2;
const UNITS_WINDOW_MS = 600_000;

/** What was done between two looks, while somebody worked. */
interface Span {
  readonly ms: number;
  readonly steps: number;
  readonly arrived: number;
  readonly proven: number;
  readonly units: number;
}

export function createPace(): Pace {
  let spans: Span[] = [];
  let last: Moment | undefined;
  return {
    note(moment) {
      const before = last;
      last = moment;
      if (!before) return;
      const ms = moment.at - before.at;
      if (ms <= 0 || ms > LOOKED_AWAY_MS || !before.isWorking || !moment.isWorking) return;
      const span = {
        ms,
        steps: stepsDone(moment.totals) - stepsDone(before.totals),
        arrived: moment.totals.bytesArrived - before.totals.bytesArrived,
        proven: moment.totals.bytesVerified - before.totals.bytesVerified,
        units: ended(moment) - ended(before),
      };
      spans = within([...spans, span], UNITS_WINDOW_MS);
    },
    timeLeft: () => (last ? timeLeft(last, spans) : { untold: 'measuring' }),
    bytesPerSecond() {
      const recent = within(spans, WINDOW_MS);
      const ms = sumOf(recent, 'ms');
      const bytes = sumOf(recent, 'arrived');
      return last?.isWorking && ms >= SHORTEST_MS && bytes > 0 ? (1000 * bytes) / ms : undefined;
    },
  };
}

/** Moving and proving are one step each; a failure needs neither, nor does what is skipped. */
const stepsDone = (totals: Counters): number =>
  totals.arrived + 2 * (totals.verified + totals.failures + totals.skipped);

const ended = ({ units }: Moment): number => units.done + units.failed;

/** The last spans, of so many milliseconds of work; the first one of them may begin before. */
function within(spans: readonly Span[], most: number, steps = 0): Span[] {
  let ms = 0;
  let done = 0;
  let from = spans.length;
  while (from > 0 && (ms < most || (done < steps && ms < LONGEST_WINDOW_MS))) {
    const span = spans[--from] as Span;
    ms += span.ms;
    done += span.steps;
  }
  return spans.slice(from);
}

const sumOf = (spans: readonly Span[], what: keyof Span): number => spans.reduce((sum, span) => sum + span[what], 0);

/**
 * By items, and by bytes: the longer of both, since a few large ones may be left, or many small ones. Where units have not
 * been counted yet, by how many units end.
 */
function timeLeft(now: Moment, spans: readonly Span[]): TimeLeft {
  const { state, units, phases } = now;
  if (state === 'paused' || state === 'pausing') return { untold: 'paused' };
  if (state === 'preparing') return { untold: 'counting' };
  if (state === 'stopping' || state === 'done') return { untold: 'ending' };
  if (!now.isWorking) return { untold: 'waiting' };
  const recent = within(spans, WINDOW_MS, STEPS_WANTED);
  if (sumOf(recent, 'ms') < SHORTEST_MS)
    return { untold: units.waiting + phases.survey > 0 ? 'counting' : 'measuring' };
  const guesses = [byItems(now.totals, recent), byBytes(now.totals, recent)];
  if (units.waiting + phases.survey > 0) {
    const byEnds = byUnits(units, spans);
    if (byEnds === undefined) return { untold: 'counting' };
    guesses.push(byEnds);
  }
  const told = guesses.filter((guess) => guess !== undefined);
  return told.length === 0 ? { untold: 'measuring' } : { secondsLeft: Math.round(Math.max(...told)) };
}

function byItems(totals: Counters, spans: readonly Span[]): number | undefined {
  const left = 2 * totals.items - stepsDone(totals);
  return secondsFor(left, sumOf(spans, 'steps'), sumOf(spans, 'ms'));
}

/** Each byte is written and, as far as is known, read back once. */
function byBytes(totals: Counters, spans: readonly Span[]): number | undefined {
  const { items, verified, arrived, failures, skipped } = totals;
  const toMove = items - verified - arrived - failures - skipped;
  if (toMove + arrived <= 0) return undefined;
  // The bytes of what fails or is skipped never arrive. How large these are is not known: as large as others.
  const wanted = (toMove + verified + arrived) / Math.max(1, items);
  const left = Math.max(0, 2 * totals.bytes * wanted - totals.bytesArrived - totals.bytesVerified);
  return secondsFor(left, sumOf(spans, 'arrived') + sumOf(spans, 'proven'), sumOf(spans, 'ms'));
}

function byUnits(units: Progress['units'], spans: readonly Span[]): number | undefined {
  const seen = sumOf(spans, 'units');
  return seen < Math.max(UNITS_WANTED, TURNS_WANTED * units.running)
    ? undefined
    : secondsFor(units.waiting + units.running, seen, sumOf(spans, 'ms'));
}

const secondsFor = (left: number, done: number, ms: number): number | undefined =>
  left <= 0 ? 0 : done > 0 ? (left * ms) / 1000 / done : undefined;
