/** What is wrong with `include` and `exclude`, beyond their shape. */
import { parseBytes } from './bytes.js';
import { quote } from './diagnostic.js';
import { parseDuration } from './duration.js';
import { fileGlobProblem, folderGlobProblem } from './folder-globs.js';
import { mediaTypeProblem } from './media-types.js';
import type { Problem } from './problem.js';
import { listAt, mappingAt, textAt } from './problem.js';

/** Of the filters of the selection at `path`. Only `include` asks for all at once, so only it can contradict itself. */
export function filterProblems(spec: unknown, path: readonly string[]): Problem[] {
  const include = [...path, 'include'];
  return [
    ...[include, [...path, 'exclude']].flatMap((filter) => [
      ...entryProblems(spec, [...filter, 'folders'], folderGlobProblem),
      ...entryProblems(spec, [...filter, 'files'], fileGlobProblem),
      ...entryProblems(spec, [...filter, 'types'], mediaTypeProblem),
      ...timeProblems(spec, filter),
      ...sizeProblems(spec, filter),
    ]),
    ...contradictions(spec, include),
  ];
}

function entryProblems(
  spec: unknown,
  list: readonly string[],
  problemOf: (entry: string) => string | undefined,
): Problem[] {
  return (listAt(spec, list) ?? []).flatMap((entry, index): Problem[] => {
    const message = typeof entry === 'string' && entry !== '' ? problemOf(entry) : undefined;
    return message === undefined ? [] : [{ path: [...list, String(index)], at: 'value', message }];
  });
}

function timeProblems(spec: unknown, filter: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  for (const field of ['since', 'before']) {
    const date = textAt(spec, [...filter, field]);
    if (date !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(date) && !isDay(date)) {
      problems.push({ path: [...filter, field], at: 'value', message: `${quote(date)} is not in the calendar` });
    }
  }
  for (const field of ['olderThan', 'newerThan']) {
    const age = textAt(spec, [...filter, field]);
    if (age !== undefined && /^([0-9]+(ms|[wdhms]))+$/.test(age) && parseDuration(age) === undefined) {
      problems.push({
        path: [...filter, field],
        at: 'value',
        message: `${field} is not a duration: the larger unit comes first, each once, such as 1d12h`,
      });
    }
  }
  return problems;
}

/** Sizes that look right, and are too large to be counted, or too small to mean anything. */
function sizeProblems(spec: unknown, filter: readonly string[]): Problem[] {
  return ['larger', 'smaller'].flatMap((field): Problem[] => {
    const size = textAt(spec, [...filter, field]);
    if (size === undefined) return [];
    const bytes = parseBytes(size);
    if (field === 'smaller' && bytes === 0) {
      return [{ path: [...filter, field], at: 'value', message: 'nothing is smaller than 0 bytes' }];
    }
    // What does not look like a size at all is the schema's to tell.
    if (bytes !== undefined || !/^[0-9.]+ ?\w?i?B$/.test(size)) return [];
    return [{ path: [...filter, field], at: 'value', message: `${quote(size)} is larger than any file` }];
  });
}

function contradictions(spec: unknown, filter: readonly string[]): Problem[] {
  const { since, before, larger, smaller, olderThan, newerThan } = mappingAt(spec, filter) ?? {};
  const problems: Problem[] = [];
  const at = (field: string, message: string): void => {
    problems.push({ path: [...filter, field], at: 'key', message });
  };
  if (typeof since === 'string' && typeof before === 'string' && isDay(since) && isDay(before) && since >= before) {
    at('since', 'no day is both on or after "since" and before "before"');
  }
  const [above, below] = [parseBytes(larger), parseBytes(smaller)];
  if (above !== undefined && below !== undefined && above + 1 >= below) {
    at('larger', 'no size is both above "larger" and below "smaller"');
  }
  const [least, most] = [olderThan, newerThan].map((age) => (typeof age === 'string' ? parseDuration(age) : undefined));
  if (least !== undefined && most !== undefined && least >= most) {
    at('olderThan', 'no age is both above "olderThan" and below "newerThan"');
  }
  return problems;
}

function isDay(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}
