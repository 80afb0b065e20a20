/** How a run ended, in a sentence or two. */
import { changeWords, failureWords } from '../words/count-words.js';
import { leftOutWords } from '../words/left-out.js';
import { count, plural, size } from '../words/numbers.js';
import type { RunResult } from '../words/runs.js';

/** Done, all of it: the rule of exit code 0, for `apply` as for the report. */
export function isComplete(result: RunResult): boolean {
  const { failures, pending, arrived } = result.totals;
  return result.state === 'done' && result.failed === 0 && failures === 0 && pending === 0 && arrived === 0;
}

/** How a run ended, in one or two sentences. */
export function resultLines(result: RunResult): string[] {
  const { totals } = result;
  const open = [
    totals.failures > 0 && failureWords(totals),
    totals.arrived > 0 && `${count(totals.arrived)} arrived without proof`,
    totals.pending > 0 && `${count(totals.pending)} not done`,
    result.failed > 0 && `${plural(result.failed, 'unit')} of ${count(result.units)} failed`,
    totals.duplicates > 0 && `${plural(totals.duplicates, 'duplicate')} in the target`,
  ].filter((words) => words !== false);
  const written = [
    totals.changed === 0 && !(totals.removed > 0)
      ? 'nothing had to be written'
      : `${plural(totals.changed, 'item')} written`,
    ...changeWords(totals),
  ].join(', ');
  const head = `${result.name}: run ${result.run} ${STATE_WORDS[result.state]}: ${count(totals.verified)} of ${plural(totals.items, 'item')} verified (${size(totals.bytes)}), ${written}`;
  const left = result.leftOut && leftOutWords(result.leftOut);
  const why = result.reason === undefined ? [] : [`why: ${result.reason}`];
  return [
    open.length === 0 ? head : `${head}; ${open.join(', ')}`,
    ...(left ? [left] : []),
    ...why,
    `report: migrate report ${result.name}`,
  ];
}

const STATE_WORDS: Readonly<Record<RunResult['state'], string>> = {
  done: 'is done',
  failed: 'ended with failures',
  cancelled: 'was cancelled',
  replaced: 'was replaced by another spec',
};
