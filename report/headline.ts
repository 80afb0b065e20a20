/** The answer in one sentence, for the page and for the command line. */
import { countWords } from '../words/count-words.js';
import { leftOutWords } from '../words/left-out.js';
import { count, plural } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import { countersOf } from './sums.js';
import type { Verdict } from './verdict.js';

export function headline({ verdict, total }: Pick<Gathered, 'verdict' | 'total'>): string {
  const { units, unitsOpen } = verdict;
  if (units === 0) return 'nothing is known yet: no account was called to this run';
  const parts = [
    `${verdict.goesOn ? 'so far ' : ''}${itemsWords(verdict, total)}`,
    unitsOpen > 0 && !verdict.goesOn ? `${count(unitsOpen)} of ${plural(units, 'account')} did not finish` : '',
    leftOut(verdict.leftOut),
  ];
  return parts.filter(Boolean).join('; ');
}

function itemsWords({ items, unitsOpen }: Verdict, total: Gathered['total']): string {
  if (items === 0) return unitsOpen > 0 ? 'nothing is known of the items yet' : 'there was nothing to move';
  const counters = countersOf(total);
  const whole = counters.verified === items && counters.duplicates === 0;
  return `${countWords(counters)}${whole ? `: ${items === 1 ? 'it' : 'each'} arrived once, unchanged` : ''}`;
}

/** E.g. `2 folders left out by the spec (31 items), 1,203 items left out by its filters`; empty when nothing is. */
export function leftOut({ filtered, ...whole }: Verdict['leftOut']): string {
  const folders = leftOutWords(whole);
  const items = `${plural(filtered, 'item')} left out by ${folders ? 'its' : "the spec's"} filters`;
  return [folders, filtered > 0 && items].filter(Boolean).join(', ');
}
