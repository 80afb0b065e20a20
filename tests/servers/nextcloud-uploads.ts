/**
 * `/remote.php/dav/uploads/USER/…`: chunked upload, version 2, as the developer manual describes it; what it leaves open is
 * as in apps/dav/lib/Upload.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { give } from './apache.js';
import { multistatusOf, namesAsked, Refusal, refusals, send } from './nextcloud-answers.js';
import { checkConditions } from './nextcloud-conditions.js';
import { bodyOf, checkDestination, etagAt, filePath, putDown } from './nextcloud-files.js';
import type { State } from './nextcloud-state.js';
import { checkRoom, receive, storedAt } from './nextcloud-state.js';
import type { Entry } from './nextcloud-storage.js';

/** Chunks of an object storage, but for the last. */
const LEAST_CHUNK = 5 * 1024 * 1024;

/** `rest` is what the path has behind the user: `token`, `token/00001`, `token/.file`. */
export async function serveUploads(
  state: State,
  rest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [token = '', name] = rest.split('/').filter((one) => one !== '');
  const folder = `uploads/${state.user}/${token}`;
  if (token === '') throw refusals.forbidden('The uploads are not listed');
  const there = await state.storage.entry(folder);
  const { method = '' } = request;
  if (method === 'MKCOL' && name === undefined) {
    if (there) throw refusals.notAllowed('The resource you tried to create already exists');
    destinationOf(state, request);
    await state.storage.done('MKCOL', `${folder}/`);
    return send(response, 201);
  }
  if (!there) {
    if (method === 'PUT') throw refusals.conflict('Files cannot be created in non-existent collections');
    throw refusals.notFound(rest);
  }
  if (state.assembling.has(token) && method !== 'PROPFIND') throw refusals.locked(rest);
  switch (method) {
    case 'PUT':
      return putChunk(state, folder, name ?? '', request, response);
    case 'PROPFIND':
      return list(state, token, folder, there, request, response);
    case 'MOVE':
      if (name !== '.file') throw refusals.forbidden('Only .file can be moved');
      return assemble(state, token, folder, request, response);
    case 'DELETE':
      await state.storage.done('DELETE', `${folder}${name === undefined ? '/' : `/${name}`}`);
      return send(response, 204);
    default:
      throw refusals.notAllowed('Reading intermediate uploads is not allowed');
  }
}

function destinationOf(state: State, { headers }: IncomingMessage): string {
  const to = filePath(state, String(headers.destination ?? ''));
  if (to === undefined || to === '') throw refusals.badRequest('The Destination header names no file of this user');
  return to;
}

async function putChunk(
  state: State,
  folder: string,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const number = /^\d+$/.test(name) ? Number(name) : -1;
  if (number < 1 || number > 10_000) {
    throw refusals.badRequest('Invalid chunk name, must be numeric between 1 and 10000');
  }
  const to = destinationOf(state, request);
  await checkRoom(state, to, Number(request.headers['oc-total-length'] ?? 0));
  const sha256 = createHash('sha256');
  const damage = state.damaged > 0;
  if (damage) state.damaged--;
  const { aside } = await receive(state, request, damage, (chunk) => sha256.update(chunk));
  await state.storage.move(aside, `${folder}/${name}`);
  const hash = sha256.digest('hex');
  const hashes = request.headers['x-hash'] === 'sha256' && !state.settings.objectStorage;
  send(response, 201, hashes ? { 'x-hash-sha256': hash, etag: `"${hash.slice(0, 32)}"` } : {});
}

async function chunksIn(state: State, folder: string): Promise<Entry[]> {
  const chunks = await state.storage.members(folder);
  return chunks.sort((a, b) => Number(a.name) - Number(b.name));
}

async function list(
  state: State,
  token: string,
  folder: string,
  there: Entry,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = await namesAsked(await bodyOf(request));
  const chunks = await chunksIn(state, folder);
  const href = `/remote.php/dav/uploads/${encodeURIComponent(state.user)}/${token}/`;
  const file = (name: string, bytes: number, modified: string) => ({
    href: href + name,
    props: new Map([
      ['D:getcontentlength', String(bytes)],
      ['D:getlastmodified', modified],
      ['D:resourcetype', ''],
    ]),
  });
  const whole = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
  const entries = [
    { href, props: new Map([['D:resourcetype', '<d:collection/>']]) },
    ...(request.headers.depth === '0' ? [] : [file('.file', whole, there.modified)]),
    ...(request.headers.depth === '0' ? [] : chunks).map(({ name, bytes, modified }) =>
      file(state.settings.objectStorage ? String(Number(name)) : name, bytes, modified),
    ),
  ];
  send(response, 207, { 'content-type': 'application/xml; charset=utf-8' }, multistatusOf(entries, asked));
}

async function assemble(
  state: State,
  token: string,
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers } = request;
  const to = destinationOf(state, request);
  await checkConditions(
    headers,
    `${token}/.file`,
    async (at) => (at === `${token}/.file` ? '' : etagAt(state, at)),
    (url) => filePath(state, url),
  );
  const replaced = await checkDestination(state, to, headers);
  const chunks = await chunksIn(state, folder);
  const bytes = chunks.reduce((sum, one) => sum + one.bytes, 0);
  const expected = headers['oc-total-length'];
  if (expected !== undefined && Number(expected) !== bytes) {
    throw refusals.badRequest(`Chunks on server do not sum up to ${expected} but to ${bytes} bytes`);
  }
  if (state.settings.objectStorage && chunks.slice(0, -1).some((one) => one.bytes < LEAST_CHUNK)) {
    throw new Refusal(500, 'Aws\\S3\\Exception\\S3Exception', 'EntityTooSmall');
  }
  await checkRoom(state, to, bytes);
  const put = async (): Promise<Record<string, string>> => {
    const aside = `aside/${token}.part`;
    const file = createWriteStream(state.storage.fileAt(aside));
    for (const { name } of chunks) {
      await pipeline(createReadStream(state.storage.fileAt(`${folder}/${name}`)), file, { end: false });
    }
    await new Promise<void>((done, fail) => file.end((error?: Error | null) => (error ? fail(error) : done())));
    await give(state.storage.fileAt(aside));
    await state.storage.move(aside, storedAt(state, to));
    const told = await putDown(state, to, headers);
    await state.storage.done('DELETE', `${folder}/`);
    return told;
  };
  const { slow } = state;
  state.slow = undefined;
  if (!slow) return send(response, replaced ? 204 : 201, await put());
  state.assembling.add(token);
  const later = slow.then(put).finally(() => {
    state.assembling.delete(token);
    state.background.delete(later);
  });
  state.background.add(later);
  // What a proxy says when PHP takes too long.
  send(response, 504, { 'content-type': 'text/html' }, '<html><body><h1>504 Gateway Time-out</h1></body></html>');
}
