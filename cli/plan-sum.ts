/** What a plan comes to, in one sentence each: the sum, how long it takes, what stands in its way. */
import { causesOf, whyWords } from '../words/causes.js';
import { count, duration, plural, size } from '../words/numbers.js';
import type { PlanForecast, PlanProblem, PlanResult, PlanSelection, PlanTotals } from '../words/plan.js';
import { printable, wrapped } from './output.js';

/** Whether a run would write anything, or has to look into contents to tell. */
export function hasChanges({ make, create, update, remove, moved, compare }: PlanTotals): boolean {
  return make + create + update + remove + moved + compare > 0;
}

/** E.g. `Plan: 1,204 to add (3.2 GB), 3 to change, 0 to remove; 12 left out`. */
export function sumLine({ totals, containers, problems, selections, leftOut = [] }: PlanResult): string {
  const { make, create, update, remove, moved, compare, skip, excluded, conflict, refuse, bytes, volume } = totals;
  // What could not be looked at is not nothing to do.
  if (containers.length === 0 && problems.length > 0) return 'Plan: nothing could be looked at';
  const of = (key: 'update' | 'remove' | 'moved' | 'compare', items: number): string =>
    volume && items > 0 ? ` (${size(volume[key])})` : '';
  const changes = hasChanges(totals)
    ? [
        `${count(create)} to add${create > 0 ? ` (${size(bytes)})` : ''}`,
        `${count(update)} to change${of('update', update)}`,
        `${count(remove)} to remove${of('remove', remove)}`,
        ...(moved > 0 ? [`${count(moved)} to move${of('moved', moved)}`] : []),
        ...(compare > 0 ? [`${count(compare)} to compare${of('compare', compare)}`] : []),
        ...(make > 0 ? [`${plural(make, wordFor(selections.filter((one) => one.make > 0)))} to make`] : []),
      ]
    : ['nothing to do'];
  const isCut = ({ name }: PlanSelection): boolean => leftOut.some((rule) => rule.selection === name);
  const folders = leftOut.reduce((sum, rule) => sum + rule.containers, 0);
  const left = [
    ...(skip + excluded > 0 ? [`${count(skip + excluded)} left out`] : []),
    ...(folders > 0 ? [`${plural(folders, wordFor(selections.filter(isCut)))} left out`] : []),
    ...(conflict > 0 ? [`${count(conflict)} in conflict`] : []),
    ...(refuse > 0 ? [`${count(refuse)} refused`] : []),
  ];
  return `Plan: ${changes.join(', ')}${left.length > 0 ? `; ${left.join(', ')}` : ''}`;
}

export const FOLDER = { mail: 'folder', files: 'folder', calendar: 'calendar', contacts: 'address book' } as const;

function wordFor(selections: readonly PlanSelection[]): string {
  const words = new Set(selections.map(({ kind }) => FOLDER[kind]));
  const [only = 'folder'] = words;
  return words.size === 1 ? only : 'container';
}

const SHOWN = 20;

/** Equal problems of many accounts are one; what to do is never cut. */
export function problemLines(problems: readonly PlanProblem[], columns: number): string[] {
  const units = problems.flatMap(({ unit, side, problem, next }) =>
    unit ? [{ ...unit, reason: side === undefined ? problem : `${side}: ${problem}`, ...(next && { next }) }] : [],
  );
  const causes = causesOf(units, Number.POSITIVE_INFINITY).map((cause) => ({
    said: whyWords(cause),
    next: cause.next,
  }));
  const others = problems.filter(({ unit }) => !unit);
  const all = [...causes, ...others.map(({ where, problem, next }) => ({ said: `${where}: ${problem}`, next }))];
  return [
    ...all
      .slice(0, SHOWN)
      .flatMap(({ said, next }) => [
        ...wrapped(printable(said), columns, '  '),
        ...(next ? wrapped(`  ${printable(next)}`, columns, '  ') : []),
      ]),
    ...(all.length > SHOWN ? [`${plural(all.length - SHOWN, 'more problem')}: -o json lists them`] : []),
  ];
}

/** Never more exact than what it rests on. */
export function forecastWords({ items, bytes, atLeast, atMost, limit, unmeasured }: PlanForecast): string {
  const work = `${plural(items, 'item')}, ${size(bytes)}`;
  const limited = limit ? `the limits of ${printable(limit.system)} allow no less than ${time(limit.seconds)}` : '';
  if (atLeast === undefined)
    return `how long ${work} will take cannot be told before a run of some length, and no limits are set`;
  if (atMost === undefined) {
    const rest = `how fast ${unmeasured === 1 ? 'a unit is' : `${count(unmeasured)} units are`} otherwise cannot be told before a run of some length`;
    return `at least ${time(atLeast)} for ${work}: ${[limited, rest].filter(Boolean).join('; ')}`;
  }
  const span = atMost < atLeast * 1.2 ? `about ${time(atMost)}` : `between ${time(atLeast)} and ${time(atMost)}`;
  const reasons = ['as fast as earlier runs were', ...(limited === '' ? [] : [limited])];
  return `${span} for ${work}: ${reasons.join('; ')}`;
}

const time = (seconds: number): string => duration(seconds * 1000);
