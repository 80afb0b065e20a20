/** Fields of a selection that mean something for certain kinds only, and what going both ways asks for. */
import type { Kind } from '../connectors/contract.js';
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { oneOfWords, quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { mappingAt, textAt } from './problem.js';

/** Kinds whose items have versions and identities: edits are content, both sides may have edited one. */
export const VERSIONED_KINDS: readonly Kind[] = ['calendar', 'contacts'];

/** Where a field has a meaning, and why it has none elsewhere. */
const FIELDS: readonly { readonly field: string; readonly kinds: readonly Kind[]; readonly why: string }[] = [
  { field: 'onConflict', kinds: VERSIONED_KINDS, why: 'a message is never edited, and its flags are merged' },
  {
    field: 'match',
    kinds: ['contacts'],
    why: 'what makes items of other kinds the same is fixed: their UID or content',
  },
  { field: 'withoutEmail', kinds: ['contacts'], why: 'only contacts have e-mail addresses of their own' },
];

/** Listings of these kinds tell names and versions only. */
const FILTERS = ['since', 'before', 'larger', 'smaller'] as const;

/** All of them for the selection at `path`; a kind that nobody knows is left to the schema. */
export function kindProblems(spec: unknown, manifests: Manifests, path: readonly string[]): Problem[] {
  const kind = textAt(spec, [...path, 'kind']);
  const selection = mappingAt(spec, path);
  if (kind === undefined || selection === undefined) return [];
  const versioned = (VERSIONED_KINDS as readonly string[]).includes(kind);
  const problems: Problem[] = [];
  for (const { field, kinds, why } of FIELDS) {
    if (!Object.hasOwn(selection, field) || (kinds as readonly string[]).includes(kind)) continue;
    problems.push({
      path: [...path, field],
      at: 'key',
      message: `${field} applies to ${kinds.join(' and ')} only: ${why}; remove it`,
    });
  }
  if (versioned) problems.push(...filterProblems(spec, kind, path));
  if (selection.mode === 'two-way') {
    problems.push(
      ...(versioned ? twoWayProblems(spec, manifests, path) : [wrongKind(kind, path)]),
      ...mapProblems(spec, [...path, 'map', 'folders']),
    );
  }
  return problems;
}

function filterProblems(spec: unknown, kind: string, path: readonly string[]): Problem[] {
  return ['include', 'exclude'].flatMap((part) => {
    const filter = mappingAt(spec, [...path, part]) ?? {};
    return FILTERS.filter((field) => Object.hasOwn(filter, field)).map(
      (field): Problem => ({
        path: [...path, part, field],
        at: 'key',
        message: `${field} does not apply to ${kind}: listings of this kind tell neither dates nor sizes; choose whole collections with folders`,
      }),
    );
  });
}

function wrongKind(kind: string, path: readonly string[]): Problem {
  return {
    path: [...path, 'mode'],
    at: 'value',
    message: `${kind} cannot go two-way: its items have no versions that tell who edited what; two-way is for ${VERSIONED_KINDS.join(' and ')}`,
  };
}

/** Each side is read and written: both connectors must be able to do both. */
function twoWayProblems(spec: unknown, manifests: Manifests, path: readonly string[]): Problem[] {
  const sides = [
    { field: 'from', group: 'sources', other: 'target' },
    { field: 'to', group: 'targets', other: 'source' },
  ] as const;
  return sides.flatMap(({ field, group, other }) => {
    const name = textAt(spec, [...path, field]);
    const manifest = name === undefined ? undefined : manifestOf(manifests, textAt(spec, [group, name, 'type']));
    if (name === undefined || manifest === undefined || manifest.roles.includes(other)) return [];
    return [
      {
        path: [...path, 'mode'],
        at: 'value',
        message: `two-way needs systems that can be source and target; ${quote(name)} is of type ${manifest.name}, which can be a ${oneOfWords(manifest.roles)} only`,
      } satisfies Problem,
    ];
  });
}

/** Going back, a path of the target must lead to one path of the source. */
function mapProblems(spec: unknown, folders: readonly string[]): Problem[] {
  const first = new Map<string, string>();
  return Object.entries(mappingAt(spec, folders) ?? {}).flatMap(([from, to]): Problem[] => {
    if (typeof to !== 'string') return [];
    const earlier = first.get(to);
    if (earlier === undefined) {
      first.set(to, from);
      return [];
    }
    return [
      {
        path: [...folders, from],
        at: 'value',
        message: `two-way needs a map that can be read backwards: ${quote(earlier)} leads to ${quote(to)} already`,
      },
    ];
  });
}
