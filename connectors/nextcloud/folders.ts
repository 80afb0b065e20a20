/**
 * Folders that must be there before something is put into them. What a session has made or seen is remembered, and
 * forgotten when the server does not find it; what this process has made is remembered for bulk uploads (bulk.ts).
 */

import { foldersAbove } from '../kinds/files.js';
import type { DavHttp } from '../wire/dav/http.js';
import { requestPath } from './paths.js';
import { entryAt } from './properties.js';

export type Made = 'made' | 'there' | 'file';

/** Folders made by this process and not looked at by others yet, by their whole address. The oldest are forgotten. */
const fresh = new Set<string>();
const MOST_FRESH = 10_000;

export class Folders {
  readonly #http: DavHttp;
  readonly #root: string;
  readonly #known = new Set<string>(['']);

  constructor(http: DavHttp, root: string) {
    this.#http = http;
    this.#root = root;
  }

  /** Whether this process has made the folder: nobody else is expected to have put anything there. */
  isFresh(folder: string): boolean {
    return fresh.has(this.#address(folder));
  }

  forgetFresh(folder: string): void {
    fresh.delete(this.#address(folder));
  }

  /** After the server did not find one of them. */
  forget(): void {
    this.#known.clear();
    this.#known.add('');
  }

  /** Makes the folders above a path that are missing. False: a file stands in the way. */
  async makeAbove(path: string, signal: AbortSignal): Promise<boolean> {
    for (const folder of foldersAbove(path)) {
      if (!this.#known.has(folder) && (await this.make(folder, signal)) === 'file') return false;
    }
    return true;
  }

  /** Makes one folder (with a slash at its end), its parents too where they are missing. Throws `Fault`. */
  async make(folder: string, signal: AbortSignal): Promise<Made> {
    const asking = { method: 'MKCOL', path: requestPath(this.#root, folder) };
    for (let again = false; ; again = true) {
      const { status, headers, error } = await this.#http.change(asking, signal);
      if (status === 201) {
        this.#known.add(folder);
        if (fresh.size >= MOST_FRESH) fresh.delete(fresh.values().next().value as string);
        fresh.add(this.#address(folder));
        return 'made';
      }
      // 405: something has that name (RFC 4918, 9.3.1).
      if (status === 405) {
        const there = await entryAt(this.#http, asking.path.slice(0, -1), signal);
        if (there && !there.folder) return 'file';
        if (there) {
          this.#known.add(folder);
          return 'there';
        }
      }
      // 409: its parent is missing; below a file it is 404 or 409, too.
      if ((status === 409 || status === 404) && !again) {
        this.forget();
        if (foldersAbove(folder).length > 0 && !(await this.makeAbove(folder.slice(0, -1), signal))) return 'file';
        continue;
      }
      throw this.#http.faultFrom(asking, { status, headers }, error);
    }
  }

  #address(folder: string): string {
    return this.#http.origin + requestPath(this.#root, folder);
  }
}
