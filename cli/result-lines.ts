/** How a run ended, in a sentence or two. */
import { changeWords, countWords } from '../words/count-words.js';
import { leftOutWords } from '../words/left-out.js';
import { count, plural, size } from '../words/numbers.js';
import type { RunResult } from '../words/runs.js';
import { printable } from './output.js';

/** Done, all of it: the rule of exit code 0, for `apply` as for the report. */
export function isComplete(result: RunResult): boolean {
  const { failures, pending, arrived } = result.totals;
  return result.state === 'done' && result.failed === 0 && failures === 0 && pending === 0 && arrived === 0;
}

/** How a run ended, in one or two sentences. */
export function resultLines(result: RunResult): string[] {
  const { totals, units, failed } = result;
  const head = [
    `${result.name}: run ${result.run} ${STATE_WORDS[result.state]}: ${countWords(totals)} (${size(totals.bytes)})`,
    changeWords(totals) || 'nothing had to be written',
    ...(failed > 0 ? [`${count(failed)} of ${plural(units, 'account')} failed`] : []),
  ].join('; ');
  const why = result.reason === undefined ? [] : [`why: ${printable(result.reason)}`];
  const left = result.leftOut && leftOutWords(result.leftOut);
  return [head, ...(left ? [printable(left)] : []), ...why, `report: migrate report ${result.name}`];
}

const STATE_WORDS: Readonly<Record<RunResult['state'], string>> = {
  done: 'is done',
  failed: 'ended with failures',
  cancelled: 'was cancelled',
  replaced: 'was replaced by another spec',
};
