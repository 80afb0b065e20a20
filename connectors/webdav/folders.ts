/** Folders that must be there before something is put into them; what a session has made or seen is remembered. */

import { foldersAbove } from '../kinds/files.js';
import type { DavHttp } from '../wire/dav/http.js';
import { entryAt } from '../wire/webdav/entries.js';
import { requestPath } from '../wire/webdav/paths.js';

export class Folders {
  readonly #http: DavHttp;
  readonly #root: string;
  readonly #known = new Set<string>();

  constructor(http: DavHttp, root: string) {
    this.#http = http;
    this.#root = root;
  }

  /** Makes the folders above a path that are missing. False: a file stands in the way. */
  async makeAbove(path: string, signal: AbortSignal): Promise<boolean> {
    const folder = foldersAbove(path).at(-1);
    return folder === undefined || this.#known.has(folder) || (await this.make(folder, signal));
  }

  /** The same after the server did not find one of them, whatever was seen before. */
  async makeAgain(path: string, signal: AbortSignal): Promise<boolean> {
    this.forget(path);
    return this.makeAbove(path, signal);
  }

  /** What stands at or above a path is no longer taken for granted. */
  forget(path: string): void {
    for (const folder of foldersAbove(`${path}/`)) this.#known.delete(folder);
    this.#known.delete(path);
  }

  /** Makes one folder (with a slash at its end), its parents too where they are missing. False: a file stands there. */
  async make(folder: string, signal: AbortSignal): Promise<boolean> {
    const request = { method: 'MKCOL', path: requestPath(this.#root, folder) };
    for (let again = false; ; again = true) {
      const { status, headers, error } = await this.#http.change(request, signal);
      if (status === 201) break;
      // 405: something has that name (RFC 4918, 9.3.1). Where that is a file, Apache says 400, others 403.
      if (status === 405 || status === 400 || status === 403) {
        const there = await entryAt(this.#http, request.path.slice(0, -1), signal);
        if (there?.folder) break;
        if (there || !(await this.#isClear(folder, signal))) return false;
      }
      // 409: its parent is missing.
      if ((status === 409 || status === 404) && !again) {
        if (!(await this.makeAgain(folder.slice(0, -1), signal))) return false;
        continue;
      }
      throw this.#http.faultFrom(request, { status, headers }, error);
    }
    this.#known.add(folder);
    return true;
  }

  /** Whether no file stands where one of the folders above has to be. */
  async #isClear(path: string, signal: AbortSignal): Promise<boolean> {
    for (const folder of foldersAbove(path.slice(0, -1))) {
      const there = await entryAt(this.#http, requestPath(this.#root, folder.slice(0, -1)), signal);
      if (there && !there.folder) return false;
    }
    return true;
  }
}
