/**
 * Large files by chunked upload, version 2 (developer manual, Chunked file upload): chunks in a folder of their own below
 * `/dav/uploads/USER`, put together by a MOVE. Servers without an object storage store each chunk as a file, and tell its
 * hash; those with one hand chunks on to it as they come, and tell none.
 */
import { createHash } from 'node:crypto';
import type { Upload, Uploads } from '../contract.js';
import { Fault } from '../errors.js';
import { BLOCK_BYTES } from '../kinds/files.js';
import { drain } from '../wire/dav/answer-body.js';
import { destination } from '../wire/webdav/paths.js';
import { finishUpload } from './finish.js';
import { Folders } from './folders.js';
import { requestPath } from './paths.js';
import { membersOf } from './properties.js';
import type { NextcloudSession } from './session.js';

/** Large enough that requests do not count, small enough that a lost one does not. */
const PART_BYTES = 64 * 1024 * 1024;
/** Names of chunks are the numbers from 1 to 10,000. */
const MOST_PARTS = 10_000;
const DIGITS = 5;

export function createUploads(session: NextcloudSession): Uploads {
  const { http } = session;
  let folders: Folders | undefined;

  const placeOf = async (upload: Upload, signal: AbortSignal) => {
    const roots = await session.roots(signal);
    folders ??= new Folders(http, roots.files);
    return {
      folders,
      to: requestPath(roots.files, upload.path),
      parts: `${roots.uploads}drover-${upload.token}/`,
    };
  };

  return {
    anyOrder: true,
    async partBytes(bytes, signal) {
      const { capabilities } = await session.roots(signal);
      const wished = Math.min(session.options.partBytes ?? PART_BYTES, capabilities.maxChunkBytes ?? PART_BYTES);
      const fewest = Math.ceil(bytes / MOST_PARTS);
      return Math.max(BLOCK_BYTES, floorTo(wished), ceilTo(fewest));
    },
    async begin(_container, upload, signal) {
      const { folders, to, parts } = await placeOf(upload, signal);
      // With an object storage the chunks are written to where the file goes, which needs its folder.
      if (!(await folders.makeAbove(upload.path, signal))) throw inTheWay(http.origin);
      const headers = { destination: destination(http.origin, to) };
      const asking = { method: 'MKCOL', path: parts, headers };
      const { status, headers: told, error } = await http.change(asking, signal);
      // 405: it is there.
      if (status !== 201 && status !== 405) throw http.faultFrom(asking, { status, headers: told }, error);
    },
    async acknowledged(_container, upload, signal) {
      const { parts } = await placeOf(upload, signal);
      const there = new Set<number>();
      try {
        for await (const page of membersOf(http, parts, signal)) {
          for (const { name, bytes } of page) {
            // An object storage tells them as `1`, others as they were sent; `.file` and `.target` are none.
            const part = /^\d{1,5}$/.test(name) ? Number(name) - 1 : -1;
            if (part >= 0 && bytes > 0 && bytes === bytesOf(upload, part)) there.add(part);
          }
        }
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
      }
      return there;
    },
    async send(_container, upload, part, content, signal) {
      const { to, parts } = await placeOf(upload, signal);
      const bytes = bytesOf(upload, part);
      if (part >= MOST_PARTS || bytes <= 0)
        throw new Fault('internal', `the upload has no part ${part}`, { next: 'report this' });
      const hash = createHash('sha256');
      const sent = counted(content, bytes, (chunk) => hash.update(chunk));
      const headers = {
        destination: destination(http.origin, to),
        'oc-total-length': String(upload.bytes),
        'content-length': String(bytes),
        'content-type': 'application/octet-stream',
        'x-hash': 'sha256',
      };
      const asking = {
        method: 'PUT',
        path: parts + String(part + 1).padStart(DIGITS, '0'),
        headers,
        body: sent.stream,
      };
      const answer = await http
        .ask(asking as unknown as Parameters<typeof http.ask>[0], signal)
        .catch((error: unknown) => {
          throw sent.failed() ?? error;
        });
      if (answer.status !== 201 && answer.status !== 204) {
        const fault = await http.fault(asking, answer);
        throw fault.code === 'not-found' || fault.code === 'conflict' ? gone(http.where(asking), fault) : fault;
      }
      await drain(answer.body);
      const received = answer.headers['x-hash-sha256'];
      if (received === undefined || received.toLowerCase() === hash.digest('hex')) return;
      await http.change({ method: 'DELETE', path: asking.path }, signal);
      throw new Fault(
        'unavailable',
        `${http.where(asking)}: a chunk arrived damaged: the server's hash of it differs`,
        {
          next: 'it is sent again; if it stays so, look at the network and the proxies between',
        },
      );
    },
    async finish(_container, upload, version, signal) {
      const { folders, to, parts } = await placeOf(upload, signal);
      return finishUpload({ http, folders, to, parts, upload, version }, signal);
    },
    async abort(_container, upload, signal) {
      const { parts } = await placeOf(upload, signal);
      const asking = { method: 'DELETE', path: parts };
      const { status, headers, error } = await http.change(asking, signal);
      if (status >= 300 && status !== 404) throw http.faultFrom(asking, { status, headers }, error);
    },
  };
}

function bytesOf({ bytes, partBytes }: Upload, part: number): number {
  return Math.min(partBytes, bytes - part * partBytes);
}

function floorTo(bytes: number): number {
  return Math.floor(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function ceilTo(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** The content on its way, and why it ended early: a request that fails has its own words for that. */
function counted(
  content: AsyncIterable<Uint8Array>,
  bytes: number,
  pass: (chunk: Uint8Array) => void,
): { readonly stream: AsyncIterable<Uint8Array>; failed(): unknown } {
  let failure: unknown;
  async function* stream(): AsyncGenerator<Uint8Array> {
    let left = bytes;
    try {
      for await (const chunk of content) {
        left -= chunk.length;
        if (left < 0) break;
        pass(chunk);
        yield chunk;
      }
      if (left !== 0) {
        throw new Fault('source-changed', `the source returned ${bytes - left} bytes of a file of ${bytes}`, {
          next: 'it is read again',
        });
      }
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  return { stream: stream(), failed: () => failure };
}

function gone(where: string, cause: Fault): Fault {
  return new Fault('not-found', `${where}: the upload is gone; Nextcloud takes it away after 24 hours of silence`, {
    next: 'the file is sent anew',
    cause,
  });
}

function inTheWay(origin: string): Fault {
  return new Fault('conflict', `${origin}: a file stands where a folder of the upload has to be`, {
    next: 'rename it in the target, or map the folder elsewhere',
  });
}
