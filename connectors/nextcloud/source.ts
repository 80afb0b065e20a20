/** An account's files as a source. Only read: PROPFIND and GET. Trash and versions are elsewhere, and never asked for. */
import type { Body, Container, ItemRef, Page, Refused } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody, FileMeta, FileSource } from '../files.js';
import { emptyBody } from '../files.js';
import { openRange, readWhole } from '../webdav/content.js';
import { UNSAFE } from '../webdav/paths.js';
import { describeAccount } from './describe.js';
import { requestPath } from './paths.js';
import { entryAt, quotaOf } from './properties.js';
import type { NextcloudSession } from './session.js';
import { entriesBelow } from './tree.js';

export function createNextcloudSource(session: NextcloudSession): FileSource {
  const { http } = session;
  return {
    place: (signal) => session.place(signal),
    describe: (signal) => describeAccount(session, 'source', signal),
    close: () => session.close(),
    async *containers(signal): AsyncIterable<Container> {
      const { files } = await session.roots(signal);
      // The root's ETag changes with anything below it: shares and group folders too, but for external storages, whose
      // changes Nextcloud itself learns of only when it looks.
      const { etag } = await quotaOf(http, files, signal);
      yield { key: '/', path: [], validity: '1', ...(etag !== '' && { token: etag }) };
    },
    async *list(_container, after, signal): AsyncIterable<Page<ItemRef>> {
      const { files } = await session.roots(signal);
      yield* entriesBelow(http, files, after, signal);
    },
    async *read(_container, refs, signal): AsyncIterable<Body<FileBody> | Refused> {
      const { files } = await session.roots(signal);
      for (const ref of refs) yield await readOne(session, files, ref, signal);
    },
    async *open(_container, ref, range, signal) {
      const { files } = await session.roots(signal);
      if (ref.version === UNSAFE) throw new Fault('refused', unsafe, { next: RENAME });
      yield* openRange(http, requestPath(files, ref.key), ref.version, range, signal);
    },
  };
}

const unsafe = 'the server gave it a name that could lead out of its folder';
const GONE = 'it is gone from the source; the next run will see that';
const RENAME = 'rename it in Nextcloud';

async function readOne(
  { http }: NextcloudSession,
  files: string,
  ref: ItemRef,
  signal: AbortSignal,
): Promise<Body<FileBody> | Refused> {
  const { key, version } = ref;
  const meta = ref.meta as FileMeta;
  if (version === UNSAFE) return { refused: key, reason: `${unsafe}; ${RENAME}` };
  if (meta.type === 'folder') {
    const there = await entryAt(http, requestPath(files, key), signal);
    return there?.folder ? { key, body: emptyBody(meta, key) } : { refused: key, reason: GONE };
  }
  try {
    const read = await readWhole(http, requestPath(files, key), ref, signal);
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
