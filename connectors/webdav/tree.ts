/** A tree of files on a server: listed in the order of keys, and read. What all WebDAV servers have in common. */
import type { Body, ItemRef, Page, Range, Refused } from '../contract.js';
import type { DavHttp } from '../dav/http.js';
import { Fault } from '../errors.js';
import type { FileBody, FileMeta } from '../files.js';
import { emptyBody } from '../files.js';
import { walkTree } from '../tree-walk.js';
import { childrenIn } from './children.js';
import { openRange, readWhole } from './content.js';
import type { Entry, Member } from './entries.js';
import { metaOf } from './entries.js';
import { isParts, UNSAFE } from './paths.js';

/** How one server tells of its tree. Paths are those of requests (connectors/dav/hrefs.ts). */
export interface Tree {
  readonly http: DavHttp;
  /** Where a person looks for it: `the source`, `Nextcloud`. */
  readonly system: string;
  /** Of a key; '' is the root. Throws `Fault('refused')` for what would lead out of the tree. */
  pathOf(key: string): string;
  /** As `membersOf` of entries.ts. */
  membersOf(folder: string, signal: AbortSignal): AsyncIterable<readonly Member[]>;
  /** As `entryAt` of entries.ts. */
  entryAt(path: string, signal: AbortSignal): Promise<Entry | undefined>;
}

/** Entries with keys above `after`, ascending: one request for each folder that is not passed by. */
export function listTree(tree: Tree, after: string | undefined, signal: AbortSignal): AsyncGenerator<Page<ItemRef>> {
  const { http, system, pathOf } = tree;
  const next = `open the folder in ${system}, and rename it or mend its server; it is tried again`;
  const listed = { http, root: pathOf(''), next, membersIn: (folder: string) => membersIn(tree, folder, signal) };
  return walkTree((folder) => childrenIn(listed, folder), after);
}

/** The keys that a listing of one folder shows. */
export async function* shownIn(tree: Tree, folder: string, signal: AbortSignal): AsyncGenerator<Page<string>> {
  for await (const page of tree.membersOf(tree.pathOf(folder), signal)) {
    yield { entries: page.map((member) => refOf(folder, member).key) };
  }
}

async function membersIn(tree: Tree, folder: string, signal: AbortSignal): Promise<ItemRef[]> {
  // A key that is listed twice is listed once.
  const entries = new Map<string, ItemRef>();
  for await (const page of tree.membersOf(tree.pathOf(folder), signal)) {
    for (const member of page) {
      const ref = refOf(folder, member);
      if (!isParts(member.name)) entries.set(ref.key, ref);
    }
  }
  return [...entries.values()];
}

/** A folder's ETag changes with what is in it, and says nothing of the folder: it has no version. */
function refOf(folder: string, member: Member): ItemRef {
  const { name, safe, bytes } = member;
  return {
    key: `${folder}${name}${member.folder && safe ? '/' : ''}`,
    version: safe ? (member.folder ? '' : member.version) : UNSAFE,
    bytes,
    rank: 0,
    meta: metaOf(member),
  };
}

const unsafe = 'the server gave it a name that could lead out of its folder';
const GONE = 'it is gone from the source; the next run will see that';

/** One entry with its content. Throws the faults that concern more than this entry. */
export async function readEntry(tree: Tree, ref: ItemRef, signal: AbortSignal): Promise<Body<FileBody> | Refused> {
  const { http, system } = tree;
  const { key, version } = ref;
  const meta = ref.meta as FileMeta;
  if (version === UNSAFE) return { refused: key, reason: `${unsafe}; rename it in ${system}` };
  try {
    const path = tree.pathOf(key);
    if (meta.type === 'folder') {
      const there = await tree.entryAt(path, signal);
      return there?.folder ? { key, body: emptyBody(meta, key) } : { refused: key, reason: GONE };
    }
    const read = await readWhole(http, path, ref, signal);
    if ('why' in read) return { refused: key, reason: read.why };
    const { bytes, modified } = read;
    return { key, body: { ...emptyBody({ ...meta, ...(modified !== undefined && { modified }) }, key), bytes } };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === 'not-found') return { refused: key, reason: GONE };
    if (error.code !== 'refused') throw error;
    return { refused: key, reason: `${error.message}; look at it in ${system}, and move it by hand` };
  }
}

/** A range of a file's content: `openRange`. */
export function openEntry(tree: Tree, ref: ItemRef, range: Range, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const { http, system } = tree;
  if (ref.version === UNSAFE) throw new Fault('refused', unsafe, { next: `rename it in ${system}` });
  return openRange(http, tree.pathOf(ref.key), ref.version, range, signal);
}
