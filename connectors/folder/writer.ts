/** Writes in chunks: content is durable before it has its name, the names of a chunk are before they are answered. */
import type { Write, WriteAnswer } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import { nameOf } from '../kinds/files.js';
import { atOnce } from '../local/item-files.js';
import { faultOf } from '../local/local-files.js';
import { answerOf } from './answers.js';
import { FOLDER_VERSION } from './entry.js';
import { Barred, inFolders, parentOf } from './grouped.js';
import type { HeldFolder } from './held-folder.js';
import { holdFolder, makeFolder, partsOf, partsToWrite } from './held-folder.js';
import { openStaging } from './staging.js';
import { create, move, remove, update } from './write-entry.js';

/** Writes whose names are made durable together. */
const CHUNK = 64;

export interface WriterDeps {
  readonly root: string;
  /** Throws when the session has ended or the signal has fired. */
  readonly check: () => void;
}

type Put = Extract<Write<FileBody>, { op: 'create' | 'update' }>;

/** Answers what was done before a failure, too: those entries are in their places. */
export async function* applied(deps: WriterDeps, writes: readonly Write<FileBody>[]): AsyncGenerator<WriteAnswer> {
  for (const wave of wavesOf(writes)) {
    deps.check();
    const answers: WriteAnswer[] = [];
    const failures: unknown[] = [];
    const touched = new Set<string>();
    const chunk = new Chunk(deps, answers, failures, touched);
    try {
      await chunk.apply(wave);
      await chunk.sync();
    } catch (error) {
      failures.push(error);
    }
    yield* answers;
    if (failures.length > 0) throw faultOf(failures[0], `writing to ${deps.root}`);
  }
}

/** Writes that may go side by side, in the order given: what is removed or moved depends on what was before. */
function* wavesOf(writes: readonly Write<FileBody>[]): Generator<readonly Write<FileBody>[]> {
  let wave: Write<FileBody>[] = [];
  for (const write of writes) {
    const last = wave.at(-1);
    if (last && (wave.length === CHUNK || !together(last, write))) {
      yield wave;
      wave = [];
    }
    wave.push(write);
  }
  if (wave.length > 0) yield wave;
}

function together(one: Write<FileBody>, other: Write<FileBody>): boolean {
  const put = (write: Write<FileBody>) => write.op === 'create' || write.op === 'update';
  return put(one) ? put(other) : one.op === other.op;
}

class Chunk {
  readonly #deps: WriterDeps;
  readonly #answers: WriteAnswer[];
  readonly #failures: unknown[];
  /** Folders, by key, in which names came or went. */
  readonly #touched: Set<string>;

  constructor(deps: WriterDeps, answers: WriteAnswer[], failures: unknown[], touched: Set<string>) {
    this.#deps = deps;
    this.#answers = answers;
    this.#failures = failures;
    this.#touched = touched;
  }

  async apply(wave: readonly Write<FileBody>[]): Promise<void> {
    if (wave.some(({ op }) => op === 'create' || op === 'update')) {
      await this.#putAll(wave as readonly Put[]);
      return;
    }
    // One after the other: a folder goes when it is empty, a name is free when its file has moved.
    for (const write of wave) await this.#answer(write.token, pathOf(write), () => this.#change(write));
  }

  /** Even when nothing was answered: names that are there must be there after a power cut, too. */
  async sync(): Promise<void> {
    await atOnce([...this.#touched], async (key) => {
      const folder = await holdFolder(this.#deps.root, key === '' ? [] : partsOf(key));
      try {
        await folder?.sync();
      } finally {
        await folder?.close();
      }
    });
  }

  async #putAll(wave: readonly Put[]): Promise<void> {
    const staging = await openStaging(this.#deps.root);
    try {
      await inFolders(
        wave,
        (write) => parentOf(pathOf(write)),
        (key) => this.#make(key),
        (write, folder) =>
          this.#answer(write.token, pathOf(write), async () => {
            if (folder instanceof Barred) throw folder.error;
            return this.#put(write, folder, staging);
          }),
      );
    } finally {
      await staging.close();
    }
  }

  /** A folder that cannot be made concerns what belongs into it. */
  async #make(key: string): Promise<HeldFolder | Barred> {
    try {
      return await makeFolder(this.#deps.root, key === '' ? [] : partsToWrite(key), this.#made);
    } catch (error) {
      return new Barred(error);
    }
  }

  readonly #made = (parent: readonly string[]): void => {
    this.#touched.add(parent.map((name) => `${name}/`).join(''));
  };

  async #put(write: Put, folder: HeldFolder, staging: HeldFolder): Promise<WriteAnswer> {
    const { token, body } = write;
    const ref = pathOf(write);
    const parts = partsToWrite(ref);
    if (body.type === 'folder') {
      const made = await makeFolder(this.#deps.root, parts, this.#made);
      await made.close();
      return { token, ref, version: FOLDER_VERSION };
    }
    const spot = { folder, name: nameOf(ref), ref };
    this.#touched.add(parentOf(ref));
    return write.op === 'create'
      ? create(token, spot, body, staging)
      : update(token, spot, write.version, body, staging);
  }

  async #change(write: Write<FileBody>): Promise<WriteAnswer> {
    switch (write.op) {
      case 'remove':
        return this.#remove(write);
      case 'move':
        return this.#move(write);
      default:
        return { refused: write.token, reason: 'files have no metadata that could be changed without them' };
    }
  }

  async #remove({ token, ref, version }: Write<FileBody> & { op: 'remove' }): Promise<WriteAnswer> {
    const folder = await holdFolder(this.#deps.root, partsToWrite(ref).slice(0, -1));
    if (!folder) return { token };
    try {
      this.#touched.add(parentOf(ref));
      return await remove(token, { folder, name: nameOf(ref), ref }, version);
    } finally {
      await folder.close();
    }
  }

  async #move({ token, ref, path = ref, version }: Write<FileBody> & { op: 'move' }): Promise<WriteAnswer> {
    const folder = await holdFolder(this.#deps.root, partsToWrite(ref).slice(0, -1));
    if (!folder) return { conflicted: token, ref, reason: 'the folder it was in is gone' };
    try {
      const other = await makeFolder(this.#deps.root, partsToWrite(path).slice(0, -1), this.#made);
      try {
        for (const key of [ref, path]) this.#touched.add(parentOf(key));
        const to = { folder: other, name: nameOf(path), ref: path };
        return await move(token, { folder, name: nameOf(ref), ref }, to, version);
      } finally {
        await other.close();
      }
    } finally {
      await folder.close();
    }
  }

  async #answer(token: string, path: string, work: () => Promise<WriteAnswer>): Promise<void> {
    // After a failure the rest is left alone: it is in doubt, or was not begun.
    if (this.#failures.length > 0) return;
    try {
      this.#deps.check();
      this.#answers.push(await work());
    } catch (error) {
      const answer = answerOf(error, token, path);
      if (answer) this.#answers.push(answer);
      else this.#failures.push(error);
    }
  }
}

function pathOf(write: Write<FileBody>): string {
  return write.op === 'create' ? write.body.path : write.ref;
}
