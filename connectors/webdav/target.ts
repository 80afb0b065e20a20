/** A folder on a server as a target. */
import type { Page, TargetContainer, TargetRef, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileTarget } from '../kinds/files.js';
import { parentOf } from '../wire/dav/hrefs.js';
import { whileLocked } from '../wire/webdav/answers.js';
import { entryAt, roomIn } from '../wire/webdav/entries.js';
import { copyAt, locate, sizesOf } from '../wire/webdav/evidence.js';
import { listTree, shownIn } from '../wire/webdav/tree.js';
import { describeFolder } from './describe.js';
import { Folders } from './folders.js';
import type { WebdavSession } from './session.js';
import { clearStaged } from './staging.js';
import { createUploads } from './uploads.js';
import { apply } from './write.js';

/** A request that a dead client sent may still be under way in the server. */
const QUIET_MS = 1_000;
const LANES = 4;

export function createWebdavTarget(session: WebdavSession): FileTarget {
  const { http, root } = session;
  const place = { http, root };
  const folders = new Folders(http, root);
  const writing = { ...place, folders };

  const opened = async (signal: AbortSignal): Promise<TargetContainer | undefined> => {
    const there = await entryAt(http, root, signal);
    if (there && !there.folder) {
      throw new Fault('spec', `${http.origin}${root}: a file stands where the folder has to be`, {
        next: 'correct url',
      });
    }
    return there && { key: '/', path: [], validity: '1', created: false, items: 0 };
  };

  return {
    quietMs: QUIET_MS,
    lanes: session.access.lanes ?? LANES,
    // What file systems under servers take; a server that takes less refuses the file itself.
    names: { nameBytes: 255, perilous: ['.htaccess'] },
    uploads: createUploads(session, folders),
    place: (signal) => session.place(signal),
    describe: (signal) => describeFolder(session, 'target', signal),
    close: () => session.close(),
    async ensure(_wanted, signal) {
      session.check(signal);
      const there = await opened(signal);
      if (there) return there;
      // From the server's root on: only what is missing is made.
      await new Folders(http, '/').make(root.slice(1), signal);
      return { key: '/', path: [], validity: '1', created: true, items: 0 };
    },
    find: (_wanted, signal) => opened(signal),
    // Nothing tells new entries from old ones but their paths.
    anchor: async () => '',
    async *write(_container, writes, signal): AsyncIterable<WriteAnswer> {
      session.check(signal);
      for (const write of writes) yield await whileLocked(write.token, () => apply(writing, write, signal), signal);
    },
    async *locate(_container, intents, _anchor, _known, signal) {
      session.check(signal);
      for (const intent of intents) {
        const found = await locate(place, intent, signal);
        if (found.found === 'absent') await clearStaged(place, intent, signal);
        yield found;
      }
    },
    async *scan(_container, known, signal): AsyncIterable<Page<TargetRef>> {
      session.check(signal);
      for await (const page of listTree(session.tree, undefined, signal)) {
        const entries: TargetRef[] = [];
        const there = await known(page.entries.map(({ key }) => key));
        for (const { key } of page.entries) {
          const copy = there.has(key) ? undefined : await copyAt(place, key, signal);
          if (copy) entries.push(copy);
        }
        yield { entries };
      }
    },
    async *readBack(_container, refs, signal) {
      session.check(signal);
      for (const ref of refs) {
        const copy = await copyAt(place, ref, signal);
        if (copy) yield copy;
      }
    },
    async *sizes(_container, refs, signal) {
      session.check(signal);
      yield* sizesOf(place, refs, signal);
    },
    shown(_container, folder, signal) {
      session.check(signal);
      return shownIn(session.tree, folder, signal);
    },
    async room(signal) {
      session.check(signal);
      // A folder that has still to be made will stand in one that is there.
      for (let at = root; ; at = parentOf(at)) {
        try {
          const bytes = await roomIn(http, at, signal);
          return bytes === undefined ? undefined : { bytes };
        } catch (error) {
          if (!(error instanceof Fault) || error.code !== 'not-found' || at === '/') throw error;
        }
      }
    },
  };
}
