/** Fields of a selection that mean something for certain kinds only, and what going both ways asks for. */
import type { Kind } from '../connectors/contract.js';
import { KINDS } from '../connectors/contract.js';
import { traits } from '../connectors/kinds/traits.js';
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { allOfWords, oneOfWords, quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { mappingAt, textAt } from './problem.js';

/** Kinds whose items have versions: edits are content, both sides may have edited one. */
export const VERSIONED_KINDS: readonly Kind[] = KINDS.filter((kind) => traits[kind].edits === 'content');

/** Kinds that can be kept in step both ways: their items are known by what they are, not by where they stand. */
export const TWO_WAY_KINDS: readonly Kind[] = KINDS.filter((kind) => traits[kind].adopts.includes('identity'));

/** Kinds whose listings tell dates and sizes. */
const DATED_KINDS: readonly Kind[] = ['mail', 'files'];

interface Meaning {
  /** A field of the selection, or of its filters. */
  readonly field: string;
  readonly kinds: readonly Kind[];
  /** Why it has no meaning elsewhere. */
  readonly why: string;
}

const FIELDS: readonly Meaning[] = [
  { field: 'onConflict', kinds: VERSIONED_KINDS, why: 'a message is never edited, and its flags are merged' },
  {
    field: 'match',
    kinds: ['contacts'],
    why: 'what makes items of other kinds the same is fixed: their UID, path or content',
  },
  { field: 'withoutEmail', kinds: ['contacts'], why: 'only contacts have e-mail addresses of their own' },
  { field: 'names', kinds: ['files'], why: 'items of other kinds have no names that a target could refuse' },
];

const FILTERS: readonly Meaning[] = [
  { field: 'roles', kinds: ['mail'], why: 'no others have folders for junk, trash and the like; choose by folders' },
  { field: 'files', kinds: ['files'], why: 'items of other kinds have no paths; choose by folders' },
  { field: 'types', kinds: ['files'], why: 'it goes by the endings of names' },
  { field: 'olderThan', kinds: ['files'], why: 'for mail there is before, a day' },
  { field: 'newerThan', kinds: ['files'], why: 'for mail there is since, a day' },
];

/** All of them for the selection at `path`; a kind that nobody knows is left to the schema. */
export function kindProblems(spec: unknown, manifests: Manifests, path: readonly string[]): Problem[] {
  const kind = textAt(spec, [...path, 'kind']);
  const selection = mappingAt(spec, path);
  if (kind === undefined || selection === undefined || !(KINDS as readonly string[]).includes(kind)) return [];
  const problems = [
    ...fieldProblems(FIELDS, selection, kind, path),
    ...['include', 'exclude'].flatMap((part) => filterProblems(spec, kind, [...path, part])),
  ];
  if (selection.verify === 'checksum' && kind !== 'files') {
    problems.push({
      path: [...path, 'verify'],
      at: 'value',
      message: 'verify: checksum applies to files only: no system tells checksums of other items; use readback or size',
    });
  }
  if (selection.mode === 'two-way') {
    problems.push(
      ...((TWO_WAY_KINDS as readonly string[]).includes(kind)
        ? twoWayProblems(spec, manifests, path)
        : [wrongKind(kind, path)]),
      ...mapProblems(spec, [...path, 'map', 'folders']),
    );
  }
  return problems;
}

function fieldProblems(
  meanings: readonly Meaning[],
  fields: Readonly<Record<string, unknown>>,
  kind: string,
  path: readonly string[],
): Problem[] {
  return meanings
    .filter(({ field, kinds }) => Object.hasOwn(fields, field) && !(kinds as readonly string[]).includes(kind))
    .map(({ field, kinds, why }) => ({
      path: [...path, field],
      at: 'key',
      message: `${field} applies to ${allOfWords(kinds)} only: ${why}; remove it`,
    }));
}

function filterProblems(spec: unknown, kind: string, path: readonly string[]): Problem[] {
  const filter = mappingAt(spec, path) ?? {};
  const problems = fieldProblems(FILTERS, filter, kind, path);
  if ((DATED_KINDS as readonly string[]).includes(kind)) return problems;
  for (const field of ['since', 'before', 'larger', 'smaller']) {
    if (!Object.hasOwn(filter, field)) continue;
    problems.push({
      path: [...path, field],
      at: 'key',
      message: `${field} does not apply to ${kind}: listings of this kind tell neither dates nor sizes; choose whole collections with folders`,
    });
  }
  return problems;
}

function wrongKind(kind: string, path: readonly string[]): Problem {
  const why =
    kind === 'files'
      ? 'what is a file on one side may be a folder, or two, on the other'
      : 'its items have no versions that tell who edited what';
  return {
    path: [...path, 'mode'],
    at: 'value',
    message: `${kind} cannot go two-way: ${why}; two-way is for ${allOfWords(TWO_WAY_KINDS)}`,
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
