/** What a selection covers of a tree of files: keys are paths below its root, folders end with "/" (files.ts). */

import type { ItemRef, OpensFolder } from '../../connectors/contract.js';
import { isUnseen } from '../../connectors/kinds/files.js';
import { traits } from '../../connectors/kinds/traits.js';
import { createFolderMatcher, createLeadMatcher } from '../../schemas/folder-globs.js';
import type { Filter, Selection } from '../../schemas/spec.js';
import { conditions, meets } from './item-conditions.js';

/** Verdicts on folders that are remembered: listings stay in one for long. */
const REMEMBERED = 10_000;

/**
 * Whether the selection covers an entry of the tree. A folder named in `folders` stands for all that is below it. The
 * other fields speak of files and links: they take no folder away. With globs over files alone, folders are not items
 * of their own: those that lead to a file are made on its way. Of what cannot be shown only its place is known: a folder
 * is covered where it may hold what is.
 */
export function coversEntry(selection: Selection, now: number): (item: ItemRef) => boolean {
  const { include, exclude } = selection;
  const within = include?.folders ? createTreeMatcher(include.folders) : () => true;
  const without = exclude?.folders ? createTreeMatcher(exclude.folders) : () => false;
  const foldersToo = include?.files === undefined || include.folders !== undefined;
  const included = conditions(include, now);
  const excluded = conditions(exclude, now);
  const opens = opensFolder(selection);
  const namedIn = conditions(namesIn(include), now);
  const namedOut = conditions(namesIn(exclude), now);
  return (item) => {
    const { key } = item;
    const isHidden = isUnseen(item);
    if (isHidden && key.endsWith('/')) return opens(key);
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    if (!within(folder) || without(folder)) return false;
    if (key.endsWith('/')) return foldersToo;
    if (isHidden) return meets(item, namedIn, namedOut);
    return meets(item, included, excluded);
  };
}

/** The conditions that speak of names alone. */
function namesIn({ files, types }: Filter = {}): Filter {
  return { ...(files && { files }), ...(types && { types }) };
}

/** Whether a folder may hold what the selection covers: others are not opened. */
export function opensFolder({ kind, include, exclude }: Selection): OpensFolder {
  if (traits[kind].place !== 'path') return () => true;
  const without = exclude?.folders ? createTreeMatcher(exclude.folders) : () => false;
  if (!include?.folders) {
    const leads = include?.files ? createLeadMatcher(include.files) : () => true;
    return (folder) => leads(folder.slice(0, -1)) && !without(folder);
  }
  // Folders are items then, whatever they hold.
  const within = createTreeMatcher(include.folders);
  const leads = createLeadMatcher(include.folders);
  return (folder) => (within(folder) || leads(folder.slice(0, -1))) && !without(folder);
}

/** Whether a folder (`a/b/`; empty for the root) or one above it fits a glob. "**" alone stands for the root too. */
function createTreeMatcher(globs: readonly string[]): (folder: string) => boolean {
  const matches = createFolderMatcher(globs);
  const root = globs.includes('**');
  const verdicts = new Map<string, boolean>();
  const fits = (folder: string): boolean => {
    if (root || folder === '') return root;
    const known = verdicts.get(folder);
    if (known !== undefined) return known;
    const path = folder.slice(0, -1);
    const resolution = matches(path) || fits(path.slice(0, path.lastIndexOf('/') + 1));
    if (verdicts.size >= REMEMBERED) verdicts.clear();
    verdicts.set(folder, resolution);
    return resolution;
  };
  return fits;
}
