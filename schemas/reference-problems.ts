/** What a JSON Schema cannot say: references between parts, abilities of connectors, times, globs. */
import type { Kind } from '../connectors/contract.js';
import { KINDS } from '../connectors/contract.js';
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { oneOfWords, quote } from './diagnostic.js';
import { folderGlobProblem } from './folder-globs.js';
import { kindProblems } from './kind-problems.js';
import type { Problem } from './problem.js';
import { listAt, mappingAt, textAt } from './problem.js';
import { scheduleProblems } from './schedule-problems.js';
import { didYouMean } from './suggest.js';

/** All of them; parts of a wrong shape are left to the schema. */
export function referenceProblems(spec: unknown, manifests: Manifests): Problem[] {
  const selections = (listAt(spec, ['selections']) ?? []).map((_, index) => ['selections', String(index)]);
  const schedules = (listAt(spec, ['schedules']) ?? []).map((_, index) => ['schedules', String(index)]);
  return [
    ...duplicateNames(spec, selections, 'selection'),
    ...duplicateNames(spec, schedules, 'schedule'),
    ...selections.flatMap((path) => [
      ...systemProblems(spec, manifests, path, 'source'),
      ...systemProblems(spec, manifests, path, 'target'),
      ...kindProblems(spec, manifests, path),
      ...filterProblems(spec, [...path, 'include']),
      ...filterProblems(spec, [...path, 'exclude']),
      ...mapProblems(spec, [...path, 'map', 'folders']),
    ]),
    ...schedules.flatMap((path) => scheduleProblems(spec, path)),
  ];
}

function duplicateNames(spec: unknown, paths: readonly string[][], part: string): Problem[] {
  const seen = new Set<string>();
  return paths.flatMap((path) => {
    const name = textAt(spec, [...path, 'name']);
    if (name === undefined) return [];
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [
      {
        path: [...path, 'name'],
        at: 'value' as const,
        message: `a second ${part} named ${quote(name)}; names must differ`,
      },
    ];
  });
}

/** The selection's `from` or `to`: is there such a system, and can its connector do that. */
function systemProblems(
  spec: unknown,
  manifests: Manifests,
  selection: readonly string[],
  role: 'source' | 'target',
): Problem[] {
  const field = role === 'source' ? 'from' : 'to';
  const systems = mappingAt(spec, [`${role}s`]);
  const others = mappingAt(spec, [role === 'source' ? 'targets' : 'sources']) ?? {};
  const name = textAt(spec, [...selection, field]);
  if (name === undefined || systems === undefined) return [];
  const wrong = (at: string, message: string): Problem => ({ path: [...selection, at], at: 'value', message });
  if (!Object.hasOwn(systems, name)) {
    const hint = Object.hasOwn(others, name)
      ? `; ${quote(name)} is a ${role === 'source' ? 'target' : 'source'}, list it under ${role}s too`
      : didYouMean(name, Object.keys(systems)) || `; there is ${oneOfWords(Object.keys(systems)) || 'none'}`;
    return [wrong(field, `unknown ${role} ${quote(name)}${hint}`)];
  }
  const manifest = manifestOf(manifests, textAt(spec, [`${role}s`, name, 'type']));
  if (manifest === undefined) return [];
  const problems: Problem[] = [];
  if (!manifest.roles.includes(role)) {
    problems.push(wrong(field, `${quote(name)} is of type ${manifest.name}, which cannot be a ${role}`));
  }
  const kind = textAt(spec, [...selection, 'kind']);
  // A kind that nobody knows is the schema's to tell.
  if ((KINDS as readonly unknown[]).includes(kind) && !manifest.kinds.includes(kind as Kind)) {
    problems.push(
      wrong(
        'kind',
        `the ${role} ${quote(name)} is of type ${manifest.name}, which has no kind ${quote(String(kind))}; it has ${oneOfWords(manifest.kinds) || 'none'}`,
      ),
    );
  }
  if (role === 'source' && textAt(spec, [...selection, 'accounts']) === 'all' && !manifest.listsAccounts) {
    problems.push(
      wrong(
        'accounts',
        `${manifest.name} cannot list its accounts, so "all" is not possible; list { from, to } or name a CSV file`,
      ),
    );
  }
  return problems;
}

function filterProblems(spec: unknown, filter: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  for (const [index, glob] of (listAt(spec, [...filter, 'folders']) ?? []).entries()) {
    const wrong = typeof glob === 'string' && glob !== '' ? folderGlobProblem(glob) : undefined;
    if (wrong !== undefined)
      problems.push({ path: [...filter, 'folders', String(index)], at: 'value', message: wrong });
  }
  for (const field of ['since', 'before']) {
    const date = textAt(spec, [...filter, field]);
    if (date !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(date) && !isDay(date)) {
      problems.push({ path: [...filter, field], at: 'value', message: `${quote(date)} is not in the calendar` });
    }
  }
  const values = mappingAt(spec, filter);
  const { since, before, larger, smaller } = values ?? {};
  if (typeof since === 'string' && typeof before === 'string' && isDay(since) && isDay(before) && since >= before) {
    problems.push({
      path: [...filter, 'since'],
      at: 'key',
      message: 'no day is both on or after "since" and before "before"',
    });
  }
  if (typeof larger === 'number' && typeof smaller === 'number' && larger + 1 >= smaller) {
    problems.push({
      path: [...filter, 'larger'],
      at: 'key',
      message: 'no size is both above "larger" and below "smaller"',
    });
  }
  return problems;
}

function isDay(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}

function mapProblems(spec: unknown, folders: readonly string[]): Problem[] {
  return Object.entries(mappingAt(spec, folders) ?? {}).flatMap(([from, to]) => {
    const problems: Problem[] = [];
    const path = [...folders, from];
    const isPath = (text: string): boolean => !text.split('/').includes('');
    if (from !== '' && !isPath(from)) {
      problems.push({
        path,
        at: 'key',
        message: `${quote(from)} is not the path of a folder: "/" stands between names only`,
      });
    }
    if (typeof to === 'string' && to !== '' && !isPath(to)) {
      problems.push({
        path,
        at: 'value',
        message: `${quote(to)} is not the path of a folder: "/" stands between names only`,
      });
    }
    return problems;
  });
}
