/** The tree in the order of keys: one request for each folder that is not passed by. */
import type { ItemRef, Page } from '../contract.js';
import type { DavHttp } from '../dav/http.js';
import type { FileMeta } from '../files.js';
import { walkTree } from '../tree-walk.js';
import { childrenIn } from '../webdav/children.js';
import { UNSAFE } from '../webdav/paths.js';
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
  const next = 'open the folder in Nextcloud, and rename it or mend its storage; it is tried again';
  return walkTree((folder) => childrenIn({ http, root, next, membersIn }, folder), after);
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
