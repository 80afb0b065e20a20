/** Folders that must be there before something is put into them; what a session has made or seen is remembered. */
import type { DavHttp } from '../dav/http.js';
import { foldersAbove } from '../files.js';
import { entryAt } from './entries.js';
import { requestPath } from './paths.js';

export class Folders {
  readonly #http: DavHttp;
  readonly #root: string;
  readonly #known = new Set<string>();

  constructor(http: DavHttp, root: string) {
    this.#http = http;
    this.#root = root;
  }

  /** After the server did not find one of them. */
  forget(): void {
    this.#known.clear();
  }

  /** Makes the folders above a path that are missing. False: a file stands in the way. */
  async makeAbove(path: string, signal: AbortSignal): Promise<boolean> {
    for (const folder of foldersAbove(path)) {
      if (!this.#known.has(folder) && !(await this.make(folder, signal))) return false;
    }
    return true;
  }

  /** Makes one folder (with a slash at its end), its parents too where they are missing. False: a file stands there. */
  async make(folder: string, signal: AbortSignal): Promise<boolean> {
    const asking = { method: 'MKCOL', path: requestPath(this.#root, folder) };
    for (let again = false; ; again = true) {
      const { status, headers, error } = await this.#http.change(asking, signal);
      if (status === 201) {
        this.#known.add(folder);
        return true;
      }
      // 405: something has that name (RFC 4918, 9.3.1).
      if (status === 405) {
        const there = await entryAt(this.#http, asking.path.slice(0, -1), signal);
        if (there && !there.folder) return false;
        if (there) {
          this.#known.add(folder);
          return true;
        }
      }
      // 409: its parent is missing; below a file it is 403, 404 or 409.
      if ((status === 409 || status === 404) && !again) {
        this.forget();
        if (!(await this.makeAbove(folder.slice(0, -1), signal))) return false;
        continue;
      }
      throw this.#http.faultFrom(asking, { status, headers }, error);
    }
  }
}
