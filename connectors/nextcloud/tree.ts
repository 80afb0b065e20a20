/** The tree in the order of keys: one request for each folder that is not passed by. */
import type { ItemRef, Page } from '../contract.js';
import type { DavHttp } from '../dav/http.js';
import { Fault } from '../errors.js';
import type { FileMeta } from '../files.js';
import { walkTree } from '../tree-walk.js';
import { parentOf, UNSAFE } from '../webdav/paths.js';
import { requestPath } from './paths.js';
import type { Member } from './properties.js';
import { membersOf } from './properties.js';

/** Entries below `root` with keys above `after`, ascending. */
export function entriesBelow(
  http: DavHttp,
  root: string,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Page<ItemRef>> {
  const membersIn = async (folder: string): Promise<ItemRef[]> => {
    const entries: ItemRef[] = [];
    for await (const member of membersOf(http, requestPath(root, folder), signal)) entries.push(refOf(folder, member));
    return entries;
  };
  return walkTree(async (folder) => {
    try {
      return await membersIn(folder);
    } catch (error) {
      // Of the root the caller must hear.
      if (folder === '' || !isGone(error)) throw error;
      if (await isStillListed(membersIn, folder)) throw hidden(http, root, error as Fault);
      // It went away while its tree is listed.
      return [];
    }
  }, after);
}

function isGone(error: unknown): boolean {
  return error instanceof Fault && error.code === 'not-found';
}

/** In the folder above; false when that went away, too, of which whoever lists it hears. */
async function isStillListed(membersIn: (folder: string) => Promise<ItemRef[]>, folder: string): Promise<boolean> {
  try {
    return (await membersIn(parentOf(folder))).some(({ key }) => key === folder);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** What is in it must not pass for deleted. */
function hidden({ origin }: DavHttp, root: string, cause: Fault): Fault {
  return new Fault('unavailable', `${origin}${root}: the server lists a folder, and then does not find it`, {
    next: 'open the folder in Nextcloud, and rename it or mend its storage; it is tried again',
    cause,
  });
}

function refOf(folder: string, member: Member): ItemRef {
  const { name, safe, bytes } = member;
  const key = `${folder}${name}${member.folder && safe ? '/' : ''}`;
  return { key, version: versionOf(member), bytes, rank: 0, meta: metaOf(member) };
}

/** A folder's ETag changes with everything below it, which says nothing of the folder. */
function versionOf({ safe, folder, etag }: Member): string {
  if (!safe) return UNSAFE;
  return folder ? '' : etag;
}

/** The dates of folders are those of what was last put into them. */
function metaOf({ folder, modified, created, id }: Member): FileMeta {
  return {
    type: folder ? 'folder' : 'file',
    ...(modified !== undefined && !folder && { modified }),
    ...(created !== undefined && !folder && { created }),
    ...(id !== undefined && { id }),
  };
}
