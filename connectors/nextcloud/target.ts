/** An account's files as a target. */
import type { NameRules, Page, TargetContainer, TargetRef, Write, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody, FileTarget } from '../kinds/files.js';
import { whileLocked } from '../wire/webdav/answers.js';
import { listTree, shownIn } from '../wire/webdav/tree.js';
import { bulk } from './bulk.js';
import { describeAccount } from './describe.js';
import { checksumsOf, copyAt, locate, sizesOf } from './evidence.js';
import { Folders } from './folders.js';
import { quotaOf } from './properties.js';
import type { NextcloudSession, Roots } from './session.js';
import { treeIn } from './tree.js';
import { createUploads } from './uploads.js';
import type { Writing } from './write.js';
import { apply } from './write.js';

/** PHP goes on with a request whose client is gone. */
const QUIET_MS = 3_000;
/** Each request keeps a process of the server busy; more of them wait for its database. */
const LANES = 4;

export function createNextcloudTarget(session: NextcloudSession): FileTarget {
  const { http, options } = session;
  let folders: Folders | undefined;
  const writingIn = ({ files }: Roots): Writing => {
    folders ??= new Folders(http, files);
    return { http, files, folders };
  };

  const opened = async (signal: AbortSignal): Promise<TargetContainer | undefined> => {
    const { files } = await session.roots(signal);
    try {
      const { items } = await quotaOf(http, files, signal);
      return { key: '/', path: [], validity: '1', created: false, items };
    } catch (error) {
      if (error instanceof Fault && error.code === 'not-found') return undefined;
      throw error;
    }
  };

  return {
    quietMs: QUIET_MS,
    lanes: session.access.lanes ?? LANES,
    uploads: createUploads(session),
    place: (signal) => session.place(signal),
    describe: (signal) => describeAccount(session, 'target', signal),
    close: () => session.close(),
    get names(): NameRules {
      return session.known?.capabilities.names ?? { forbidden: '\\/', formless: true };
    },
    async ensure(_wanted, signal) {
      const there = await opened(signal);
      if (there) return there;
      const { home, files } = await session.roots(signal);
      // `folder` of the options, or what the url names: made from the home on.
      const made = new Folders(http, home);
      const below = files.slice(home.length).replaceAll('%2F', '/').replaceAll('%25', '%');
      if ((await made.make(below, signal)) === 'file') {
        throw new Fault('spec', `${http.origin}${files}: a file stands where the folder has to be`, {
          next: 'name another folder in the spec',
        });
      }
      return { key: '/', path: [], validity: '1', created: true, items: 0 };
    },
    find: (_wanted, signal) => opened(signal),
    // Nothing tells new entries from old ones but their paths.
    anchor: async () => '',
    async *write(_container, writes, signal): AsyncIterable<WriteAnswer> {
      const roots = await session.roots(signal);
      const writing = writingIn(roots);
      // Folders first, the outer ones before the inner: so what goes into them finds them there.
      const isFolder = (write: Write<FileBody>): boolean => write.op === 'create' && write.body.type === 'folder';
      const one = (write: Write<FileBody>): Promise<WriteAnswer> =>
        whileLocked(write.token, () => apply(writing, write, signal), signal);
      const made = writes.filter(isFolder);
      for (const write of made) yield await one(write);
      let left: readonly Write<FileBody>[] = writes.filter((write) => !isFolder(write));
      const { bulkUpload } = roots.capabilities;
      if (bulkUpload !== undefined && options.bulk !== 'never') {
        const creates = left.flatMap((write) => (write.op === 'create' ? [write] : []));
        const others = left.filter((write) => write.op !== 'create');
        const single: Write<FileBody>[] = [];
        for await (const sent of bulk(writing, roots, options.bulk === 'without-creation-dates', creates, signal)) {
          if ('answer' in sent) yield sent.answer;
          else single.push(sent.left);
        }
        left = [...single, ...others];
      }
      for (const write of left) yield await one(write);
    },
    async *locate(_container, intents, _anchor, _known, signal) {
      const { files } = await session.roots(signal);
      for (const intent of intents) yield await locate({ http, root: files }, intent, signal);
    },
    async *scan(_container, known, signal): AsyncIterable<Page<TargetRef>> {
      const { files } = await session.roots(signal);
      for await (const page of listTree(treeIn(http, files), undefined, signal)) {
        const entries: TargetRef[] = [];
        const there = await known(page.entries.map(({ key }) => key));
        for (const { key } of page.entries) {
          const copy = there.has(key) ? undefined : await copyAt({ http, root: files }, key, signal);
          if (copy) entries.push(copy);
        }
        yield { entries };
      }
    },
    async *readBack(_container, refs, signal) {
      const { files } = await session.roots(signal);
      for (const ref of refs) {
        const copy = await copyAt({ http, root: files }, ref, signal);
        if (copy) yield copy;
      }
    },
    async *sizes(_container, refs, signal) {
      const { files } = await session.roots(signal);
      yield* sizesOf({ http, root: files }, refs, signal);
    },
    async *shown(_container, folder, signal) {
      const { files } = await session.roots(signal);
      yield* shownIn(treeIn(http, files), folder, signal);
    },
    async *checksums(_container, refs, signal) {
      const { files } = await session.roots(signal);
      yield* checksumsOf({ http, root: files }, refs, signal);
    },
    async room(signal) {
      const { home, files } = await session.roots(signal);
      // A folder of somebody else's has that one's quota.
      for (const folder of [files, home]) {
        try {
          const { available } = await quotaOf(http, folder, signal);
          return available === undefined ? undefined : { bytes: available };
        } catch (error) {
          if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
        }
      }
      return undefined;
    },
  };
}
