/** `/remote.php/dav/bulk`: many small files in one request (apps/dav/lib/BulkUpload). */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { refusals, send } from './nextcloud-answers.js';
import { bodyOf, fileId, folderAt, parentOf, putDown } from './nextcloud-files.js';
import type { State } from './nextcloud-state.js';
import { checkRoom, storedAt } from './nextcloud-state.js';

interface Part {
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

/** Replaces what has the same name, whatever it is: so does Nextcloud. */
export async function serveBulk(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const boundary = /^multipart\/related;\s*boundary="?([^"]+)"?$/.exec(request.headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) throw refusals.badRequest('Content-Type must be multipart/related');
  const told: Record<string, unknown> = {};
  try {
    for (const { headers, content } of partsOf(await bodyOf(request), boundary)) {
      const path = headers['x-file-path'] ?? '';
      try {
        told[path] = await write(state, path, headers, content);
      } catch (error) {
        told[path] = { error: true, message: (error as Error).message };
      }
    }
  } catch {
    return send(response, 400, { 'content-type': 'application/json' }, JSON.stringify(told));
  }
  send(response, 200, { 'content-type': 'application/json' }, JSON.stringify(told));
}

async function write(state: State, sent: string, headers: Part['headers'], content: Buffer): Promise<object> {
  const path = sent
    .split('/')
    .filter((name) => name !== '')
    .join('/')
    .normalize('NFC');
  if (!(await folderAt(state, parentOf(path)))) throw new Error(`${parentOf(path)} does not exist`);
  await checkRoom(state, path, content.length);
  await state.storage.done('PUT', storedAt(state, path), {}, content);
  const stored = await putDown(state, path, { 'x-oc-mtime': headers['x-file-mtime'] ?? headers['x-oc-mtime'] });
  return { error: false, etag: stored.etag?.replaceAll('"', ''), fileid: stored['oc-fileid'] ?? fileId(0) };
}

/** Throws at the first part that is not as it should be; the parts before it were given. */
function* partsOf(body: Buffer, boundary: string): Generator<Part> {
  const [next, last] = [Buffer.from(`--${boundary}\r\n`), Buffer.from(`--${boundary}--\r\n`)];
  let at = 0;
  while (!body.subarray(at, at + last.length).equals(last)) {
    if (!body.subarray(at, at + next.length).equals(next)) throw new Error('Boundary not found where it should be.');
    at += next.length;
    const end = body.indexOf('\r\n\r\n', at);
    if (end === -1) throw new Error('An error occurred while reading headers of a part');
    const lines = body.subarray(at, end).toString().split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers['content-length']);
    const content = body.subarray(end + 4, end + 4 + length);
    if (createHash('md5').update(content).digest('hex') !== headers['x-file-md5']) {
      throw new Error('Computed md5 hash is incorrect.');
    }
    yield { headers, content };
    at = end + 4 + length + 2;
  }
}
