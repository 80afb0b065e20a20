/** The answer in one sentence, for the page and for the command line. */
import { countWords } from '../words/count-words.js';
import { count, plural } from '../words/numbers.js';
import type { Gathered, Verdict } from './gather.js';
import { countersOf } from './sums.js';

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

/** E.g. `1,203 items and 2 folders left out by the spec`; empty when nothing is. */
export function leftOut({ items, folders }: Verdict['leftOut']): string {
  const parts = [...(items > 0 ? [plural(items, 'item')] : []), ...(folders > 0 ? [plural(folders, 'folder')] : [])];
  if (parts.length === 0) return '';
  return `${parts.join(' and ')} left out by the spec`;
}
