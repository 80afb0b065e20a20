/** A folder on a server as a source. Only read: PROPFIND and GET. */
import type { Body, ItemRef, Refused } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody, FileMeta, FileSource } from '../files.js';
import { emptyBody } from '../files.js';
import { walkTree } from '../tree-walk.js';
import { childrenIn } from './children.js';
import { openRange, readWhole } from './content.js';
import { describeFolder } from './describe.js';
import type { Member } from './entries.js';
import { entryAt, membersOf, metaOf } from './entries.js';
import { isParts, requestPath, UNSAFE } from './paths.js';
import type { WebdavSession } from './session.js';

export function createWebdavSource(session: WebdavSession): FileSource {
  const { http, root } = session;
  return {
    place: (signal) => session.place(signal),
    describe: (signal) => describeFolder(session, 'source', signal),
    close: () => session.close(),
    async *containers(signal) {
      await session.open(signal);
      // No server that is not Nextcloud tells the state of a whole tree: it is listed each time.
      yield { key: '/', path: [], validity: '1' };
    },
    async *list(_container, after, signal) {
      await session.open(signal);
      yield* walkTree((folder) => childrenOf(session, folder, signal), after);
    },
    async *read(_container, refs, signal): AsyncIterable<Body<FileBody> | Refused> {
      session.check(signal);
      for (const ref of refs) yield await readOne(session, ref, signal);
    },
    async *open(_container, ref, range, signal) {
      session.check(signal);
      if (ref.version === UNSAFE) throw new Fault('refused', unsafe, { next: RENAME });
      yield* openRange(http, requestPath(root, ref.key), ref.version, range, signal);
    },
  };
}

/** The entries of one folder, whose key is '' for the root: `childrenIn`. */
export function childrenOf(session: WebdavSession, folder: string, signal: AbortSignal): Promise<ItemRef[]> {
  const { http, root } = session;
  const next = 'open the folder in the source, and rename it or mend its server; it is tried again';
  return childrenIn({ http, root, next, membersIn: (one) => membersIn(session, one, signal) }, folder);
}

async function membersIn({ http, root }: WebdavSession, folder: string, signal: AbortSignal): Promise<ItemRef[]> {
  // A key that is listed twice is listed once.
  const entries = new Map<string, ItemRef>();
  for await (const page of membersOf(http, requestPath(root, folder), signal)) {
    for (const member of page) {
      const ref = refOf(folder, member);
      if (!isParts(member.name)) entries.set(ref.key, ref);
    }
  }
  return [...entries.values()];
}

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
const RENAME = 'rename it in the source';
const GONE = 'it is gone from the source; the next run will see that';

async function readOne(
  { http, root }: WebdavSession,
  ref: ItemRef,
  signal: AbortSignal,
): Promise<Body<FileBody> | Refused> {
  const { key, version } = ref;
  const meta = ref.meta as FileMeta;
  if (version === UNSAFE) return { refused: key, reason: `${unsafe}; ${RENAME}` };
  try {
    const path = requestPath(root, key);
    if (meta.type === 'folder') {
      const there = await entryAt(http, path, signal);
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
    return { refused: key, reason: `${error.message}; look at it in the source, and move it by hand` };
  }
}
