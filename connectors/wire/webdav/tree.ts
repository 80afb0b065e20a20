/** A tree of files on a server: listed in the order of keys, and read. What all WebDAV servers have in common. */
import type { Body, Described, ItemRef, OpensFolder, Page, Range, Refused } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { FileBody, FileMeta } from '../../kinds/files.js';
import { emptyBody, leftOut, refusalOfUnseen, unseen } from '../../kinds/files.js';
import type { DavHttp } from '../dav/http.js';
import { walkTree } from '../tree-walk.js';
import type { Listed } from './children.js';
import { childrenIn } from './children.js';
import { readWhole } from './content.js';
import type { Entry, Member } from './entries.js';
import { metaOf } from './entries.js';
import { isParts, UNSAFE } from './paths.js';
import { openRange } from './range.js';

/** How one server describes its tree. Paths are those of requests (connectors/wire/dav/hrefs.ts). */
export interface Tree {
  readonly http: DavHttp;
  /** Where a person looks for it: `the source`, `Nextcloud`. */
  readonly system: string;
  /** Of a key; '' is the root. Throws `Fault('refused')` for what would lead out of the tree. */
  pathOf(key: string): string;
  /** As `membersOf` of entries.ts. */
  membersOf(folder: string, signal: AbortSignal): AsyncIterable<readonly Member[]>;
  /** Why a member is left out, where the options ask for that. */
  leaves?(member: Member): string | undefined;
  /** As `entryAt` of entries.ts. */
  entryAt(path: string, signal: AbortSignal): Promise<Entry | undefined>;
}

/** Entries with keys above `after`, ascending: one request for each folder that is not passed by. */
export function listTree(
  tree: Tree,
  after: string | undefined,
  signal: AbortSignal,
  opens?: OpensFolder,
): AsyncGenerator<Page<ItemRef>> {
  const { system, pathOf } = tree;
  const listed: Listed = {
    system,
    membersIn: (folder) => membersIn(tree, folder, signal),
    answers: () => tree.entryAt(pathOf(''), signal),
  };
  return walkTree((folder) => childrenIn(listed, folder, signal), after, opens);
}

/** The keys that a listing of one folder shows. */
export async function* shownIn(tree: Tree, folder: string, signal: AbortSignal): AsyncGenerator<Page<string>> {
  for await (const page of tree.membersOf(tree.pathOf(folder), signal)) {
    yield { entries: page.map((member) => refOf(tree, folder, member).key) };
  }
}

async function membersIn(tree: Tree, folder: string, signal: AbortSignal): Promise<ItemRef[]> {
  // A key that is listed twice is listed once.
  const entries = new Map<string, ItemRef>();
  for await (const page of tree.membersOf(tree.pathOf(folder), signal)) {
    for (const member of page) {
      const ref = refOf(tree, folder, member);
      if (!isParts(member.name)) entries.set(ref.key, ref);
    }
  }
  return [...entries.values()];
}

/** A folder's ETag changes with what is in it, and says nothing of the folder: it has no version. */
function refOf(tree: Tree, folder: string, member: Member): ItemRef {
  const { name, safe, bytes } = member;
  const key = `${folder}${name}${member.folder && safe ? '/' : ''}`;
  if (safe && member.unseen !== undefined) return unseen(key, member.unseen);
  const why = safe ? tree.leaves?.(member) : undefined;
  if (why !== undefined) return leftOut(key, why);
  return {
    key,
    version: safe ? (member.folder ? '' : member.version) : UNSAFE,
    bytes,
    rank: 0,
    meta: metaOf(member),
  };
}

const unsafe = 'the server gave it a name that could lead out of its folder';
const GONE = 'it is gone from the source; the next run will see that';

/** One entry with its content, or why it cannot be had. Throws the faults that concern more than this entry. */
export async function readEntry(tree: Tree, ref: ItemRef, signal: AbortSignal): Promise<Body<FileBody> | Refused> {
  const { http, system } = tree;
  const { key, version } = ref;
  const meta = ref.meta as FileMeta;
  const hidden = refusalOfUnseen(ref);
  if (hidden) return hidden;
  if (version === UNSAFE) return { refused: key, reason: `${unsafe}; rename it in ${system}` };
  try {
    const path = tree.pathOf(key);
    if (meta.type === 'folder') {
      const there = await tree.entryAt(path, signal);
      return there?.folder ? { key, body: emptyBody(meta, key) } : { refused: key, reason: GONE };
    }
    const read = await readWhole(http, path, ref, signal);
    if ('why' in read) return { refused: key, reason: read.why, ...(read.again && { again: true }) };
    const { bytes, modified } = read;
    return { key, body: { ...emptyBody({ ...meta, ...(modified !== undefined && { modified }) }, key), bytes } };
  } catch (error) {
    if (signal.aborted || !(error instanceof Fault)) throw error;
    return refusalOf(tree, ref, error, signal);
  }
}

/** One file that cannot be had, as long as the server tells of it: it costs itself. Else the fault is thrown. */
async function refusalOf(tree: Tree, { key }: ItemRef, fault: Fault, signal: AbortSignal): Promise<Refused> {
  const { message, code } = fault;
  const reason = `${message}; look at it in ${tree.system}, and move it by hand`;
  if (code === 'refused') return { refused: key, reason };
  if (!OF_ONE.has(code)) throw fault;
  if (!(await tree.entryAt(tree.pathOf(key), signal))) return { refused: key, reason: GONE };
  return { refused: key, reason, again: true };
}

/** A server may answer so for one file, and so it may for all. */
const OF_ONE: ReadonlySet<string> = new Set(['unavailable', 'credentials', 'not-found']);

/** A range of a file's content: `openRange`. What a server says of this file alone is `unavailable`, or `refused`. */
export async function* openEntry(
  tree: Tree,
  ref: ItemRef,
  range: Range,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { http, system } = tree;
  const hidden = refusalOfUnseen(ref);
  if (hidden) throw new Fault('refused', hidden.reason);
  if (ref.version === UNSAFE) throw new Fault('refused', unsafe, { next: `rename it in ${system}` });
  try {
    yield* openRange(http, tree.pathOf(ref.key), ref as Described, range, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof Fault) || !LIKE_GONE.has(error.code)) throw error;
    // Throws where it is the account that is at fault.
    if (!(await tree.entryAt(tree.pathOf(ref.key), signal))) throw error;
    throw new Fault('unavailable', error.message, { next: `it is tried again; look at it in ${system}`, cause: error });
  }
}

/** What a server says of a file that it lists, and does not give. */
const LIKE_GONE: ReadonlySet<string> = new Set(['credentials', 'not-found']);
