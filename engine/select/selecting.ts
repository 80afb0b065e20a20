/** What a selection covers, and where it goes: pure rules over containers and items. */

import type { Container, ContainerProperties, ItemRef, Wanted } from '../../connectors/contract.js';
import { traits } from '../../connectors/kinds/traits.js';
import type { Filter, Selection } from '../../schemas/spec.js';
import { conditions, meets } from './item-conditions.js';
import { coversEntry } from './selecting-files.js';

/**
 * Whether the selection covers an item of a covered container: all conditions of `include`, none of `exclude`. Ages
 * count back from `now`, in milliseconds since the epoch.
 */
export function coversItem(selection: Selection, now = Date.now()): (item: ItemRef) => boolean {
  if (traits[selection.kind].place === 'path') return coversEntry(selection, now);
  const included = conditions(selection.include, now);
  const excluded = conditions(selection.exclude, now);
  return (item) => meets(item, included, excluded);
}

/** Whether the selection leaves out single items of what it covers. */
export function filtersItems({ include, exclude }: Selection): boolean {
  return [include, exclude].some((filter) => conditions(filter, 0).length > 0);
}

/**
 * Whether the selection covers an item that left the source, by its key: what it was like (dates, sizes) cannot be asked
 * any more. Only files have keys that say where they stood.
 */
export function coversPlace(selection: Selection): (key: string) => boolean {
  if (traits[selection.kind].place !== 'path') return () => true;
  const { include, exclude } = selection;
  const covers = coversEntry(
    { ...selection, ...(include && { include: placesOf(include) }), ...(exclude && { exclude: placesOf(exclude) }) },
    0,
  );
  return (key) => covers({ key, version: '', bytes: 0, rank: 0, meta: {} });
}

function placesOf({ folders, files, types }: Filter): Filter {
  return { ...(folders && { folders }), ...(files && { files }), ...(types && { types }) };
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
  for (let depth = container.path.length; depth > 0; depth--) {
    const to = mapped(selection, container.path.slice(0, depth).join('/'));
    if (to !== undefined) return { path: [...to.split('/'), ...container.path.slice(depth)], ...kept };
  }
  return { path: container.path, ...(container.role ? { role: container.role } : {}), ...kept };
}

/**
 * The path that an item of kind `files` should have: `map.folders` names whole folders and, through the longest match,
 * everything below them. A file is not a folder: only those above it count.
 */
export function wantedPath(selection: Selection, key: string): string {
  if (selection.map?.folders === undefined) return key;
  for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
    const to = mapped(selection, key.slice(0, end));
    if (to !== undefined) return to + key.slice(end);
  }
  return key;
}

/** Whatever the Unicode form of either name. */
function mapped({ map }: Selection, path: string): string | undefined {
  if (!map?.folders) return undefined;
  // A folder may be called "constructor".
  if (Object.hasOwn(map.folders, path)) return map.folders[path];
  if (isAscii(path)) return undefined;
  const name = path.normalize('NFC');
  return Object.entries(map.folders).find(([from]) => from.normalize('NFC') === name)?.[1];
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are ASCII, too
  return /^[\x00-\x7f]*$/.test(text);
}

/**
 * A two-way selection seen from its target: paths are mapped back, and whoever wins a conflict wins it in both
 * directions. Filters still speak of paths in the spec's source: `leavesOut` is asked with those.
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
