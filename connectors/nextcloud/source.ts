/** An account's files as a source. Only read: PROPFIND and GET. Trash and versions are elsewhere, and never asked for. */
import type { Body, Container, ItemRef, Page, Refused } from '../contract.js';
import type { FileBody, FileSource } from '../kinds/files.js';
import type { Tree } from '../wire/webdav/tree.js';
import { listTree, openEntry, readEntry } from '../wire/webdav/tree.js';
import { describeAccount } from './describe.js';
import { entryAt, quotaOf } from './properties.js';
import type { NextcloudSession } from './session.js';
import { ownTree, treeIn } from './tree.js';

export function createNextcloudSource(session: NextcloudSession): FileSource {
  const { http, options } = session;
  const movesShared = options.shared === 'move';
  let listed: Promise<Tree> | undefined;
  const treeToList = async (files: string, signal: AbortSignal): Promise<Tree> => {
    const all = treeIn(http, files);
    return movesShared ? all : ownTree(all, await entryAt(http, files, signal));
  };
  return {
    place: (signal) => session.place(signal),
    describe: (signal) => describeAccount(session, 'source', signal),
    close: () => session.close(),
    async *containers(signal): AsyncIterable<Container> {
      const { files } = await session.roots(signal);
      // The root's ETag changes with anything below it: shares and group folders too, but for external storages, whose
      // changes Nextcloud itself learns of only when it looks.
      const { etag } = await quotaOf(http, files, signal);
      // It stands for what is listed, which is not the same for both.
      const token = movesShared ? etag : `own:${etag}`;
      yield { key: '/', path: [], validity: '1', ...(etag !== '' && { token }) };
    },
    async *list(_container, after, signal, opens): AsyncIterable<Page<ItemRef>> {
      const { files } = await session.roots(signal);
      listed ??= treeToList(files, signal);
      const tree = await listed.catch((error: unknown) => {
        listed = undefined;
        throw error;
      });
      yield* listTree(tree, after, signal, opens);
    },
    async *read(_container, refs, signal): AsyncIterable<Body<FileBody> | Refused> {
      const { files } = await session.roots(signal);
      const tree = treeIn(http, files);
      for (const ref of refs) yield await readEntry(tree, ref, signal);
    },
    async *open(_container, ref, range, signal) {
      const { files } = await session.roots(signal);
      yield* openEntry(treeIn(http, files), ref, range, signal);
    },
  };
}
