/** A folder on a server as a source. Only read: PROPFIND and GET. */
import type { Body, Refused } from '../contract.js';
import type { FileBody, FileSource } from '../kinds/files.js';
import { listTree, openEntry, readEntry } from '../wire/webdav/tree.js';
import { describeFolder } from './describe.js';
import type { WebdavSession } from './session.js';

export function createWebdavSource(session: WebdavSession): FileSource {
  const { tree } = session;
  return {
    place: (signal) => session.place(signal),
    describe: (signal) => describeFolder(session, 'source', signal),
    close: () => session.close(),
    async *containers(signal) {
      await session.open(signal);
      // No server that is not Nextcloud tells the state of a whole tree: it is listed each time.
      yield { key: '/', path: [], validity: '1' };
    },
    async *list(_container, after, signal, opens) {
      await session.open(signal);
      yield* listTree(tree, after, signal, opens);
    },
    async *read(_container, refs, signal): AsyncIterable<Body<FileBody> | Refused> {
      session.check(signal);
      for (const ref of refs) yield await readEntry(tree, ref, signal);
    },
    async *open(_container, ref, range, signal) {
      session.check(signal);
      yield* openEntry(tree, ref, range, signal);
    },
  };
}
