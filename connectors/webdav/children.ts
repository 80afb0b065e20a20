/** Folders that go away while their tree is listed, told from those that a server lists and does not find. */
import type { ItemRef } from '../contract.js';
import type { DavHttp } from '../dav/http.js';
import { Fault } from '../errors.js';
import { parentOf } from './paths.js';

export interface Listed {
  readonly http: DavHttp;
  readonly root: string;
  /** What a person can do about a folder that is listed, and not found. */
  readonly next: string;
  membersIn(folder: string): Promise<ItemRef[]>;
}

/**
 * The entries of one folder, whose key is '' for the root. None where it went away while its tree is listed; one that the
 * server lists and does not find (IIS: names with "+", hidden segments) must not pass for an empty one: what is in it
 * would pass for deleted. Of the root the caller must hear.
 */
export async function childrenIn(listed: Listed, folder: string): Promise<ItemRef[]> {
  try {
    return await listed.membersIn(folder);
  } catch (error) {
    if (folder === '' || !isGone(error)) throw error;
    if (!(await isStillListed(listed, folder))) return [];
    const { http, root, next } = listed;
    throw new Fault('unavailable', `${http.origin}${root}: the server lists a folder, and then does not find it`, {
      next,
      cause: error,
    });
  }
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
