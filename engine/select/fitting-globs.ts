/** Globs of a selection that fit nothing in the source: mostly a name that is spelt otherwise, and then nothing moves. */
import type { Container, ItemRef } from '../../connectors/contract.js';
import { createFolderMatcher } from '../../schemas/folder-globs.js';
import type { Selection } from '../../schemas/spec.js';

interface Glob {
  /** e.g. `include.folders`. */
  readonly at: string;
  readonly glob: string;
  readonly ofFiles: boolean;
  readonly matches: (path: string) => boolean;
}

/** Those that have fitted nothing yet, one for each system that is looked at. */
export class FittingGlobs {
  #open: readonly Glob[];

  constructor({ include, exclude }: Pick<Selection, 'include' | 'exclude'>) {
    this.#open = [...globsIn('include', include), ...globsIn('exclude', exclude)];
  }

  /** A container of any kind but `files`. */
  seeContainer({ path }: Pick<Container, 'path'>): void {
    this.#see(path.join('/'), false);
  }

  /** An entry of a tree of files. */
  seeEntry({ key }: Pick<ItemRef, 'key'>): void {
    const folder = key.endsWith('/');
    this.#see(folder ? key.slice(0, -1) : key, !folder);
  }

  /** What is to be said of each that fits nothing, ascending. */
  said(): string[] {
    return this.#open.map(({ at, glob }) => `${at} ${JSON.stringify(glob)} fits nothing in the source`).sort();
  }

  #see(path: string, isFile: boolean): void {
    if (this.#open.length === 0) return;
    const fits = ({ ofFiles, matches }: Glob): boolean => ofFiles === isFile && matches(path);
    if (this.#open.some(fits)) this.#open = this.#open.filter((glob) => !fits(glob));
  }
}

/** What is to be said of globs that fit none of the containers, for kinds that have several. */
export function unfittedBy(containers: readonly Pick<Container, 'path'>[], selection: Selection): string[] {
  const globs = new FittingGlobs(selection);
  for (const container of containers) globs.seeContainer(container);
  return globs.said();
}

function globsIn(where: 'include' | 'exclude', filter: Selection['include']): Glob[] {
  const of = (field: 'folders' | 'files'): Glob[] =>
    (filter?.[field] ?? [])
      // The pattern also means the root itself, which is not an entry.
      .filter((glob) => glob !== '**')
      .map((glob) => ({
        at: `${where}.${field}`,
        glob,
        ofFiles: field !== 'folders',
        matches: createFolderMatcher([glob]),
      }));
  return [...of('folders'), ...of('files')];
}
