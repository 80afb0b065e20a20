/**
 * Folders of a tree that a listing names and does not look into: it may not, or the selection wants nothing of them. What
 * they hold is not known, and never counts as gone.
 */
import type { ItemRef, OpensFolder } from '../../connectors/contract.js';
import { isUnseen } from '../../connectors/kinds/files.js';
import { isAbove } from '../../connectors/kinds/key-order.js';

export interface Unopened {
  /** Of the next page, which goes on behind the one before. */
  of(page: readonly ItemRef[]): {
    /** Folders, with "/" at their ends, whose entries may be there all the same. */
    readonly hidden: readonly string[];
    /** Those of them that the selection wants nothing of. */
    readonly passed: readonly string[];
  };
  /** Whether everything that is wanted could be shown, up to now. */
  isWhole(): boolean;
}

/** For one listing, which may go on `after` a key; `unseen`: what was not shown up to there. */
export function createUnopened(
  opens: OpensFolder,
  after: string,
  unseen: readonly { readonly key: string; readonly leftOut: boolean }[] = [],
): Unopened {
  let hidden = unseen.map(({ key }) => asFolder(key));
  let whole = unseen.every((one) => one.leftOut);
  let last = after;
  return {
    of(page) {
      hidden = hidden.filter((folder) => last.startsWith(folder) || isAbove(folder, last));
      // The last page may have ended with such a folder.
      const passed = foldersOf(last).filter((folder) => !opens(folder));
      for (const item of page) {
        if (isUnseen(item)) {
          hidden.push(asFolder(item.key));
          whole &&= item.meta?.leftOut === true;
        }
        if (item.key.endsWith('/') && !isUnseen(item) && !opens(item.key)) passed.push(item.key);
      }
      last = page.at(-1)?.key ?? last;
      return { hidden: [...hidden, ...passed], passed };
    },
    isWhole: () => whole,
  };
}

/** Whether it is a folder is not known of everything that cannot be shown. */
function asFolder(key: string): string {
  return key.endsWith('/') ? key : `${key}/`;
}

/** The folder a key is, and those above it. */
function foldersOf(key: string): string[] {
  const folders: string[] = [];
  for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) folders.push(key.slice(0, at + 1));
  return folders;
}
