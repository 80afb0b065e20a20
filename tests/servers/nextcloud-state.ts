/** One Nextcloud of the tests: its storage, its database, its settings, and what tests do to it. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { refusals } from './nextcloud-answers.js';
import { FileIndex } from './nextcloud-index.js';
import type { NameSettings } from './nextcloud-names.js';
import type { Storage } from './nextcloud-storage.js';

export interface NextcloudSettings {
  /** Bytes; without it there is no limit. */
  readonly quota?: number;
  readonly names?: NameSettings;
  /** Default: true. */
  readonly bulkUpload?: boolean;
  /** What the administrator allows for a chunk. */
  readonly maxChunkBytes?: number;
  /** Chunks go to an object storage: no hashes are told, names lose their zeros, small ones are refused in the end. */
  readonly objectStorage?: boolean;
  /** As ownCloud does, and Nextcloud does not: an OC-Checksum that is wrong is refused. */
  readonly checksChecksums?: boolean;
}

export interface State {
  readonly user: string;
  readonly storage: Storage;
  readonly index: FileIndex;
  settings: NextcloudSettings;
  maintenance: boolean;
  /** Paths below the user's files that somebody else holds locked. */
  readonly locked: Set<string>;
  /** How many of the next bodies arrive damaged. */
  damaged: number;
  /** Set: the next MOVE of chunks is answered 504, and goes on when this is done. */
  slow: Promise<void> | undefined;
  /** Uploads that are being put together. */
  readonly assembling: Set<string>;
  /** What clients were told of nothing: assemblies still under way. */
  readonly background: Set<Promise<unknown>>;
}

export function createState(user: string, storage: Storage, settings: NextcloudSettings): State {
  return {
    user,
    storage,
    index: new FileIndex(),
    settings,
    maintenance: false,
    locked: new Set(),
    damaged: 0,
    slow: undefined,
    assembling: new Set(),
    background: new Set(),
  };
}

/** Where the storage keeps the user's files. */
export function storedAt(state: State, path: string): string {
  return ['files', state.user, ...path.split('/')].filter((name) => name !== '').join('/');
}

/** Where the database knows them. */
export function indexedAt(state: State, path: string): string {
  return path === '' ? state.user : `${state.user}/${path}`;
}

export async function freeIn(state: State): Promise<number | undefined> {
  const { quota } = state.settings;
  return quota === undefined ? undefined : Math.max(0, quota - (await state.storage.used(storedAt(state, ''))));
}

export async function checkRoom(state: State, path: string, bytes: number): Promise<void> {
  const free = await freeIn(state);
  if (free !== undefined && bytes > free) throw refusals.full(path, free);
}

/** The body of a request, stored aside. Throws when it does not arrive as a whole: then nothing is kept. */
export async function receive(
  { storage, ...state }: State,
  request: IncomingMessage,
  damage: boolean,
  pass: (chunk: Buffer) => void,
): Promise<{ readonly aside: string; readonly bytes: number }> {
  const aside = `aside/${state.user}.ocTransferId${randomUUID()}.part`;
  let bytes = 0;
  async function* body(): AsyncGenerator<Buffer> {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (damage && bytes === 0 && chunk.length > 0) chunk[0] = (chunk[0] as number) ^ 1;
      bytes += chunk.length;
      pass(chunk);
      yield chunk;
    }
  }
  try {
    await storage.done('PUT', aside, {}, body());
    const expected = request.headers['content-length'];
    if (!request.complete || (expected !== undefined && Number(expected) !== bytes))
      throw refusals.badRequest(`Expected filesize of ${expected} but read ${bytes}`);
    return { aside, bytes };
  } catch (error) {
    const answer = await storage.ask('DELETE', aside);
    answer.resume();
    throw error;
  }
}
