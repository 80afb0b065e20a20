/** The answer in one sentence, for the page and for the command line. */
import { count, plural } from '../words/numbers.js';
import type { Verdict } from './gather.js';

export function headline({ verdict }: { readonly verdict: Verdict }): string {
  const { items, verified, units } = verdict;
  if (units === 0) return 'nothing is known yet: no account was called to this run';
  const out = leftOut(verdict.leftOut);
  const end = out === '' ? '' : `; ${out}`;
  if (items === 0)
    return `${verdict.unitsOpen > 0 ? 'nothing is known of the items yet' : 'there was nothing to move'}${end}`;
  const once = verdict.duplicates > 0 ? '' : ' once,';
  const skipped = verdict.skipped > 0 ? `; ${count(verdict.skipped)} skipped, each for a reason that is told` : '';
  const soFar = verdict.goesOn ? 'so far ' : '';
  if (verdict.unproven > 0) {
    return `${soFar}${count(verified)} of ${plural(items, 'item')} arrived${once} unchanged; ${count(verdict.unproven)} ${verdict.unproven === 1 ? 'is' : 'are'} not proven${skipped}${end}`;
  }
  return `${soFar}${verified === 1 ? 'the one item' : `all ${count(verified)} items`} arrived${once} unchanged${skipped}${end}`;
}

/** E.g. `1,203 items and 2 folders are left out by the spec`; empty when nothing is. */
export function leftOut({ items, folders }: Verdict['leftOut']): string {
  const parts = [...(items > 0 ? [plural(items, 'item')] : []), ...(folders > 0 ? [plural(folders, 'folder')] : [])];
  if (parts.length === 0) return '';
  return `${parts.join(' and ')} ${items + folders === 1 ? 'is' : 'are'} left out by the spec`;
}
