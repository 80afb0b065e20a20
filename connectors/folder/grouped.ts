/** Entries side by side, with the folders that hold them open as long as they are worked on. */
import { atOnce } from '../local/item-files.js';

/** In the place of a folder that cannot be had: that concerns what is in it. */
export class Barred {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }

  async close(): Promise<void> {}
}

interface Closable {
  close(): Promise<void>;
}

/**
 * Works on entries at once, in the folders that `folderOf` names by strings; `hold` opens each once, and answers
 * undefined where there is none. The answers are in the order of `entries`. Folders are closed when all have ended.
 */
export async function inFolders<T, R, H extends Closable | undefined>(
  entries: readonly T[],
  folderOf: (entry: T) => string,
  hold: (folder: string) => Promise<H>,
  work: (entry: T, folder: H) => Promise<R>,
): Promise<R[]> {
  const wanted = [...new Set(entries.map(folderOf))];
  const held = new Map<string, H>();
  try {
    await atOnce(wanted, async (folder) => held.set(folder, await hold(folder)));
    return await atOnce(entries, (entry) => work(entry, held.get(folderOf(entry)) as H));
  } finally {
    for (const folder of held.values()) await folder?.close();
  }
}

/** The folder of a key, itself with "/" at its end; '' for the root. */
export function parentOf(key: string): string {
  const plain = key.endsWith('/') ? key.slice(0, -1) : key;
  return plain.slice(0, plain.lastIndexOf('/') + 1);
}
