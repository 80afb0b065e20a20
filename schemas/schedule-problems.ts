import { cronProblem } from './cron.js';
import { oneOfWords, quote } from './diagnostic.js';
import { parseDuration } from './duration.js';
import type { Problem } from './problem.js';
import { labelOf, listAt, mappingAt, textAt } from './problem.js';
import { didYouMean } from './suggest.js';
import { timeZoneProblem } from './time-zone.js';

/** Temporal starts by interval at most once a second. */
const SHORTEST_INTERVAL_MS = 1000;

/** References and times of the schedule at `path`. */
export function scheduleProblems(spec: unknown, path: readonly string[]): Problem[] {
  const schedule = mappingAt(spec, path);
  if (schedule === undefined) return [];
  const at = (field: string, message: string): Problem => ({ path: [...path, field], at: 'value', message });
  const has = (field: string): boolean => Object.hasOwn(schedule, field);
  const problems: Problem[] = [...selectionProblems(spec, path)];

  const name = labelOf(path, spec);
  if (has('every') && has('cron')) {
    problems.push({ path: [...path, 'cron'], at: 'key', message: `${name} has both every and cron; keep one` });
  }
  if (!has('every') && !has('cron')) {
    problems.push({ path, at: 'key', message: `${name} must say when: every (such as 1d) or cron` });
  }
  for (const field of ['every', 'jitter', 'catchupWindow']) {
    const duration = textAt(schedule, [field]);
    if (duration === undefined || !/^([0-9]+(ms|[wdhms]))+$/.test(duration)) continue;
    const ms = parseDuration(duration);
    if (ms === undefined) {
      problems.push(at(field, `${field} is not a duration: the larger unit comes first, each once, such as 1h30m`));
    } else if (field === 'every' && ms < SHORTEST_INTERVAL_MS) {
      problems.push(at(field, 'every must be at least 1s'));
    }
  }
  const cron = textAt(schedule, ['cron']);
  const wrongCron = cron === undefined ? undefined : cronProblem(cron);
  if (wrongCron !== undefined) problems.push(at('cron', wrongCron));
  const timezone = textAt(schedule, ['timezone']);
  if (timezone !== undefined) {
    const wrongZone = timeZoneProblem(timezone);
    if (wrongZone !== undefined) {
      problems.push(at('timezone', wrongZone));
    } else if (has('every') && !has('cron')) {
      problems.push({
        path: [...path, 'timezone'],
        at: 'key',
        message: 'timezone applies to cron only; remove it or use cron',
      });
    }
  }
  return problems;
}

function selectionProblems(spec: unknown, path: readonly string[]): Problem[] {
  const names = (listAt(spec, ['selections']) ?? []).flatMap((selection) => textAt(selection, ['name']) ?? []);
  const known = [...new Set(names)];
  const seen = new Set<string>();
  return (listAt(spec, [...path, 'selections']) ?? []).flatMap((name, index) => {
    if (typeof name !== 'string') return [];
    const wrong = (message: string): Problem[] => [
      { path: [...path, 'selections', String(index)], at: 'value', message },
    ];
    if (seen.has(name)) return wrong(`selection ${quote(name)} stands here a second time; remove one`);
    seen.add(name);
    if (known.includes(name)) return [];
    return wrong(
      `unknown selection ${quote(name)}${didYouMean(name, known) || `; there is ${oneOfWords(known) || 'none'}`}`,
    );
  });
}
