/** The tree in the order of keys: depth first, one request for each folder that is not passed by. */
import type { ItemRef } from '../contract.js';
import type { DavHttp } from '../dav/http.js';
import { Fault } from '../errors.js';
import type { FileMeta } from '../files.js';
import { requestPath, UNSAFE } from './paths.js';
import type { Member, Properties } from './properties.js';
import { membersOf } from './properties.js';

/** Entries with keys above `after`, ascending. Of each folder on the way, names and a few fields are held. */
export async function* entriesBelow(
  http: DavHttp,
  root: string,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ItemRef> {
  yield* below(http, root, '', after, signal);
}

async function* below(
  http: DavHttp,
  root: string,
  folder: string,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ItemRef> {
  const entries: ItemRef[] = [];
  try {
    for await (const member of membersOf(http, requestPath(root, folder), signal)) entries.push(refOf(folder, member));
  } catch (error) {
    // A folder that went away, or may not be seen, while its tree is listed; of the root the caller must hear.
    if (folder === '' || !(error instanceof Fault) || error.code !== 'not-found') throw error;
    return;
  }
  entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const entry of entries) {
    const open = entry.meta.type === 'folder' && entry.version !== UNSAFE;
    if (after === undefined || entry.key > after) yield entry;
    else if (!after.startsWith(entry.key)) continue;
    if (open) yield* below(http, root, entry.key, after, signal);
  }
}

function refOf(folder: string, member: Member): ItemRef {
  const meta = metaOf(member);
  const key = `${folder}${member.name}${member.folder ? '/' : ''}`;
  return { key, version: versionOf(member), bytes: member.bytes, rank: 0, meta };
}

/** A folder's ETag changes with everything below it, which says nothing of the folder. */
function versionOf({ safe, folder, etag }: Member): string {
  if (!safe) return UNSAFE;
  return folder ? '' : etag;
}

export function metaOf({ folder, modified, created, id }: Properties): FileMeta {
  return {
    type: folder ? 'folder' : 'file',
    ...(modified !== undefined && { modified }),
    ...(created !== undefined && { created }),
    ...(id !== undefined && { id }),
  };
}
