/** What stands behind a Nextcloud of the tests: files in a folder, served and changed by a real WebDAV server. */

import { readdir, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { readMultistatus } from '../../connectors/wire/dav/multistatus.js';

export interface Behind {
  /** Of the served folder, without a slash at its end. */
  readonly url: string;
  readonly folder: string;
  readonly authorization?: string;
}

export interface Entry {
  readonly name: string;
  readonly folder: boolean;
  readonly bytes: number;
  /** As HTTP writes dates. */
  readonly modified: string;
}

const ASKED =
  '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>';

/** Paths are decoded, below the served folder, without slashes at their ends. */
export class Storage {
  readonly #behind: Behind;
  // Fewer than the server has threads: it would end connections that it has no thread for.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  constructor(behind: Behind) {
    this.#behind = behind;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Where the server keeps it, for what WebDAV has no word for. */
  fileAt(path: string): string {
    return join(this.#behind.folder, path);
  }

  async ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: AsyncIterable<Uint8Array> | Buffer | string,
  ): Promise<IncomingMessage> {
    const { url, authorization } = this.#behind;
    const to = new URL(url);
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: to.hostname,
          port: to.port,
          method,
          path: `${to.pathname.replace(/\/$/, '')}/${encoded}`,
          agent: this.#agent,
          headers: { ...headers, ...(authorization && { authorization }) },
        },
        resolve,
      );
      outgoing.once('error', reject);
      if (body === undefined) return void outgoing.end();
      if (typeof body === 'string' || Buffer.isBuffer(body)) return void outgoing.end(body);
      const stream = Readable.from(body);
      stream.once('error', (error) => outgoing.destroy(error));
      stream.pipe(outgoing);
    });
  }

  /** One request whose success is expected. */
  async done(...asking: Parameters<Storage['ask']>): Promise<void> {
    const answer = await this.ask(...asking);
    answer.resume();
    const { statusCode = 0 } = answer;
    if (statusCode > 299) throw new Error(`behind the emulator: ${asking[0]} ${asking[1]} is answered ${statusCode}`);
  }

  /** Makes a folder; false when another request was quicker. */
  async makeFolder(path: string): Promise<boolean> {
    const answer = await this.ask('MKCOL', `${path}/`);
    answer.resume();
    const { statusCode = 0 } = answer;
    if (statusCode > 299 && statusCode !== 405) throw new Error(`behind the emulator: MKCOL is answered ${statusCode}`);
    return statusCode < 300;
  }

  async entry(path: string): Promise<Entry | undefined> {
    for await (const entry of this.#entries(path, '0')) return entry;
    return undefined;
  }

  async members(path: string): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const entry of this.#entries(path, '1')) entries.push(entry);
    return entries.slice(1);
  }

  async move(from: string, to: string): Promise<void> {
    const { url } = this.#behind;
    const destination = `${url}/${to.split('/').map(encodeURIComponent).join('/')}`;
    await this.done('MOVE', from, { destination, overwrite: 'T' });
  }

  async *#entries(path: string, depth: string): AsyncGenerator<Entry> {
    const answer = await this.ask('PROPFIND', path, { depth, 'content-type': 'application/xml' }, ASKED);
    if (answer.statusCode !== 207) {
      answer.resume();
      // 400 below a file.
      if (answer.statusCode === 404 || answer.statusCode === 400) return;
      throw new Error(`behind the emulator: PROPFIND ${path} is answered ${answer.statusCode}`);
    }
    for await (const member of readMultistatus(answer, 'the server behind the emulator')) {
      if (!('resource' in member)) continue;
      const { href, props } = member.resource;
      yield {
        name: decodeURIComponent(href.replace(/\/$/, '').split('/').at(-1) as string),
        folder: (props.get('D:resourcetype')?.children.length ?? 0) > 0,
        bytes: Number(props.get('D:getcontentlength')?.text ?? 0),
        modified: props.get('D:getlastmodified')?.text ?? '',
      };
    }
  }

  /** Bytes of all files below. */
  async used(path: string): Promise<number> {
    let bytes = 0;
    for (const entry of await readdir(this.fileAt(path), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
    }
    return bytes;
  }
}
