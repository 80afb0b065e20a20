/** Globs and roles of a selection that fit nothing in the source: mostly a name that is spelt otherwise, and then nothing moves. */
import type { Container, ItemRef, Role } from '../../connectors/contract.js';
import { createFolderMatcher } from '../../schemas/folder-globs.js';
import type { Selection } from '../../schemas/spec.js';

interface Fit {
  /** e.g. `include.folders "Projects"`. */
  readonly said: string;
  readonly matches: (of: Seen) => boolean;
}

interface Seen {
  readonly path: string;
  readonly isFile: boolean;
  readonly role?: Role | undefined;
}

/** Those that have fitted nothing yet, one for each system that is looked at. */
export class FittingGlobs {
  #open: readonly Fit[];

  constructor({ include, exclude }: Pick<Selection, 'include' | 'exclude'>) {
    this.#open = [...fitsOf('include', include), ...fitsOf('exclude', exclude)];
  }

  /** A container of any kind but `files`. */
  seeContainer({ path, role }: Pick<Container, 'path' | 'role'>): void {
    this.#see({ path: path.join('/'), isFile: false, role });
  }

  /** An entry of a tree of files. */
  seeEntry({ key }: Pick<ItemRef, 'key'>): void {
    const folder = key.endsWith('/');
    this.#see({ path: folder ? key.slice(0, -1) : key, isFile: !folder });
  }

  /** What is to be said of each that fits nothing, ascending. */
  said(): string[] {
    return this.#open.map(({ said }) => `${said} fits nothing in the source`).sort();
  }

  #see(seen: Seen): void {
    if (this.#open.some(({ matches }) => matches(seen)))
      this.#open = this.#open.filter(({ matches }) => !matches(seen));
  }
}

/** What is to be said of globs and roles that fit none of the containers, for kinds that have several. */
export function unfittedBy(containers: readonly Pick<Container, 'path' | 'role'>[], selection: Selection): string[] {
  const globs = new FittingGlobs(selection);
  for (const container of containers) globs.seeContainer(container);
  return globs.said();
}

function fitsOf(where: 'include' | 'exclude', filter: Selection['include']): Fit[] {
  const of = (field: 'folders' | 'files'): Fit[] =>
    (filter?.[field] ?? [])
      // The pattern also means the root itself, which is not an entry.
      .filter((glob) => glob !== '**')
      .map((glob) => {
        const fits = createFolderMatcher([glob]);
        const ofFiles = field !== 'folders';
        return {
          said: `${where}.${field} ${JSON.stringify(glob)}`,
          matches: ({ path, isFile }) => isFile === ofFiles && fits(path),
        };
      });
  // Where nothing has the role that is left out, there is nothing to leave out.
  const roles = where === 'include' ? (filter?.roles ?? []) : [];
  return [
    ...of('folders'),
    ...of('files'),
    ...roles.map((wanted): Fit => ({ said: `include.roles ${wanted}`, matches: ({ role }) => role === wanted })),
  ];
}
