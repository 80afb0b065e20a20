/** What a JSON Schema cannot say: references between parts, abilities of connectors, globs, timetables. */
import type { Kind } from '../connectors/contract.js';
import { KINDS } from '../connectors/contract.js';
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { bandwidthProblems } from './bandwidth-problems.js';
import { oneOfWords, quote } from './diagnostic.js';
import { filterProblems } from './filter-problems.js';
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
    ...bandwidthProblems(spec),
    ...selections.flatMap((path) => [
      ...systemProblems(spec, manifests, path, 'source'),
      ...systemProblems(spec, manifests, path, 'target'),
      ...kindProblems(spec, manifests, path),
      ...filterProblems(spec, path),
      ...mapProblems(spec, [...path, 'map', 'folders'], textAt(spec, [...path, 'kind']) === 'files'),
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

function mapProblems(spec: unknown, folders: readonly string[], inTree: boolean): Problem[] {
  return Object.entries(mappingAt(spec, folders) ?? {}).flatMap(([from, to]) => {
    const problems: Problem[] = [];
    const path = [...folders, from];
    const check = (text: string, at: 'key' | 'value'): void => {
      const names = text.split('/');
      if (names.includes('')) {
        problems.push({
          path,
          at,
          message: `${quote(text)} is not the path of a folder: "/" stands between names only`,
        });
      } else if (inTree && (names.includes('.') || names.includes('..'))) {
        problems.push({
          path,
          at,
          message: `${quote(text)} is not the path of a folder: it is spelt from the root on, without "." and ".."`,
        });
      }
    };
    if (from !== '') check(from, 'key');
    if (typeof to === 'string' && to !== '') check(to, 'value');
    return problems;
  });
}
