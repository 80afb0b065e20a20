/** What a selection covers, and where it goes: pure rules over containers and items. */
import type { Container, ContainerProperties, ItemRef, Wanted } from '../connectors/contract.js';
import { createFolderMatcher } from '../schemas/folder-globs.js';
import type { Filter, Selection } from '../schemas/spec.js';

/** Whether the selection covers a container. Without `include.folders` it covers all. */
export function coversContainer(selection: Selection): (path: readonly string[]) => boolean {
  const { include, exclude } = selection;
  const included = include?.folders ? createFolderMatcher(include.folders) : () => true;
  const excluded = exclude?.folders ? createFolderMatcher(exclude.folders) : () => false;
  return (path) => {
    const name = path.join('/');
    return included(name) && !excluded(name);
  };
}

/** Whether the selection covers an item of a covered container: all conditions of `include`, none of `exclude`. */
export function coversItem(selection: Selection): (item: ItemRef) => boolean {
  const included = conditions(selection.include);
  const excluded = conditions(selection.exclude);
  return (item) => included.every((holds) => holds(item)) && !excluded.some((holds) => holds(item));
}

/** The conditions a filter sets on items. An item without a date meets none that speaks of dates. */
function conditions(filter: Filter | undefined): ((item: ItemRef) => boolean)[] {
  const { since, before, larger, smaller } = filter ?? {};
  const all: ((item: ItemRef) => boolean)[] = [];
  if (since !== undefined) all.push((item) => dateOf(item) >= Date.parse(since));
  if (before !== undefined) all.push((item) => dateOf(item) < Date.parse(before));
  if (larger !== undefined) all.push((item) => item.bytes > larger);
  if (smaller !== undefined) all.push((item) => item.bytes < smaller);
  return all;
}

/** Milliseconds since the epoch; NaN, which compares as false, where the item has no date. */
function dateOf(item: ItemRef): number {
  return typeof item.meta.date === 'string' ? Date.parse(item.meta.date) : Number.NaN;
}

/**
 * The container the target should have. `map.folders` names whole paths and, through the longest match, everything
 * below them; a folder it names goes by name alone, its role no longer counts.
 */
export function wantedContainer(
  selection: Selection,
  container: Pick<Container, 'path'> & {
    readonly role?: Container['role'] | null;
    readonly subscribed?: boolean | null;
    readonly properties?: ContainerProperties | null;
  },
): Wanted {
  const kept = {
    ...(container.subscribed === true && { subscribed: true }),
    ...(container.properties && { properties: container.properties }),
  };
  const map = selection.map?.folders ?? {};
  for (let depth = container.path.length; depth > 0; depth--) {
    const to = map[container.path.slice(0, depth).join('/')];
    if (to !== undefined) return { path: [...to.split('/'), ...container.path.slice(depth)], ...kept };
  }
  return { path: container.path, ...(container.role ? { role: container.role } : {}), ...kept };
}

/** Where an entry of a tree goes: `map.folders` names whole folders, through the longest match all that is below them. */
export function wantedPath({ map }: Selection, key: string): string {
  const folders = map?.folders;
  if (!folders) return key;
  for (let at = key.length; at > 0; at = key.lastIndexOf('/', at - 1)) {
    const to = folders[key.slice(0, at)];
    if (to !== undefined) return to + key.slice(at);
  }
  return key;
}

/**
 * A two-way selection seen from its target: paths are mapped back, and whoever wins a conflict wins it in both
 * directions. Filters still speak of paths in the spec's source: `coversContainer` is asked with those.
 */
export function reversed(selection: Selection): Selection {
  const folders = Object.entries(selection.map?.folders ?? {}).map(([from, to]) => [to, from]);
  const { onConflict } = selection;
  return {
    ...selection,
    from: selection.to,
    to: selection.from,
    map: { folders: Object.fromEntries(folders) },
    ...(onConflict === 'source' && { onConflict: 'target' as const }),
    ...(onConflict === 'target' && { onConflict: 'source' as const }),
  };
}
