/** The entries of one folder, or why they cannot be listed: that concerns the folder alone, as long as the server answers. */
import type { ItemRef } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { Unlisted } from '../tree-walk.js';
import { parentOf } from './paths.js';

export interface Listed {
  /** Where a person looks for it: `the source`, `Nextcloud`. */
  readonly system: string;
  membersIn(folder: string): Promise<readonly ItemRef[]>;
  /** Throws where the server, or the account, is at fault. */
  answers(): Promise<unknown>;
}

/** What concerns all folders alike: it is thrown at once. */
const WIDE: ReadonlySet<string> = new Set(['throttled', 'quota', 'cursor-lost']);

/**
 * The entries of one folder, whose key is '' for the root. None where it went away while its tree is listed; one that the
 * server lists and does not find (IIS: names with "+", hidden segments) must not pass for an empty one: what is in it
 * would pass for deleted. Of the root the caller must hear.
 */
export async function childrenIn(
  listed: Listed,
  folder: string,
  signal: AbortSignal,
): Promise<readonly ItemRef[] | Unlisted> {
  for (let again = true; ; again = false) {
    try {
      return await listed.membersIn(folder);
    } catch (error) {
      if (folder === '' || signal.aborted || !(error instanceof Fault) || WIDE.has(error.code)) throw error;
      if (isGone(error)) {
        if (!(await isStillListed(listed, folder))) return [];
        if (again) continue;
        return unlisted(listed, 'the server lists this folder, and then does not find it');
      }
      await listed.answers();
      if (!again || error.code !== 'unavailable') return unlisted(listed, `it cannot be listed: ${error.message}`);
    }
  }
}

function unlisted({ system }: Listed, why: string): Unlisted {
  return { unlisted: `${why}; open the folder in ${system}, and rename it or mend its server or rights` };
}

/** Gone, or a file by now. */
function isGone(error: unknown): boolean {
  return error instanceof Fault && (error.code === 'not-found' || error.code === 'conflict');
}

/** In the folder above; false when that went away, too, of which whoever lists it hears. */
async function isStillListed({ membersIn }: Listed, folder: string): Promise<boolean> {
  try {
    return (await membersIn(parentOf(folder))).some(({ key }) => key === folder);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
