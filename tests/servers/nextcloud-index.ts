/** What a Nextcloud keeps of files in its database beside their content (oc_filecache): ids, ETags, checksums, dates. */
import { randomBytes } from 'node:crypto';

export interface Cached {
  readonly id: number;
  etag: string;
  /** As a client sent it, or as the server computed it: `SHA256:…`. */
  checksum: string;
  /** Seconds; 0 where nobody told. */
  created: number;
}

/** Paths are those below `files/`, the user first: `anna`, `anna/a/b.txt`. */
export class FileIndex {
  #last = 100;
  #entries = new Map<string, Cached>();

  at(path: string): Cached {
    let entry = this.#entries.get(path);
    if (!entry) {
      entry = { id: ++this.#last, etag: randomBytes(16).toString('hex'), checksum: '', created: 0 };
      this.#entries.set(path, entry);
    }
    return entry;
  }

  /** Something changed there: it and everything above it gets another ETag. */
  changed(path: string): Cached {
    const entry = this.at(path);
    entry.etag = randomBytes(16).toString('hex');
    this.#propagate(path);
    return entry;
  }

  removed(path: string): void {
    for (const key of [...this.#entries.keys()]) if (isIn(path, key)) this.#entries.delete(key);
    this.#propagate(path);
  }

  /** Ids and ETags stay with what is moved. */
  moved(from: string, to: string): void {
    for (const key of [...this.#entries.keys()]) if (isIn(to, key)) this.#entries.delete(key);
    this.at(from);
    for (const [key, entry] of [...this.#entries]) {
      if (!isIn(from, key)) continue;
      this.#entries.delete(key);
      this.#entries.set(to + key.slice(from.length), entry);
    }
    this.#propagate(from);
    this.#propagate(to);
  }

  #propagate(path: string): void {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      this.at(path.slice(0, at)).etag = randomBytes(16).toString('hex');
    }
  }
}

function isIn(path: string, key: string): boolean {
  return key === path || key.startsWith(`${path}/`);
}
