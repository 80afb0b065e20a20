/** `/remote.php/dav/files/USER/…`: WebDAV as Nextcloud speaks it (apps/dav/lib/Connector/Sabre). */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { utimes } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { multistatusOf, namesAsked, Refusal, refusals, send } from './nextcloud-answers.js';
import { checkConditions } from './nextcloud-conditions.js';
import { checkName } from './nextcloud-names.js';
import { propertiesOf } from './nextcloud-properties.js';
import type { State } from './nextcloud-state.js';
import { checkRoom, indexedAt, receive, storedAt } from './nextcloud-state.js';

const FILES = /^(?:https?:\/\/[^/]+)?\/remote\.php\/dav\/files\/([^/]+)(\/.*)?$/;

/** The path below the user's files that a URL names, in the form that Nextcloud keeps; undefined for any other URL. */
export function filePath(state: State, url: string): string | undefined {
  const [, user, rest = '/'] = FILES.exec(url.replace(/[?#].*$/s, '')) ?? [];
  if (user === undefined || decodeURIComponent(user) !== state.user) return undefined;
  const names = rest.split('/').filter((name) => name !== '');
  return names.map((name) => decodeURIComponent(name).normalize('NFC')).join('/');
}

export async function etagAt(state: State, path: string): Promise<string | undefined> {
  const entry = await state.storage.entry(storedAt(state, path));
  if (!entry) return undefined;
  return entry.folder ? '' : `"${state.index.at(indexedAt(state, path)).etag}"`;
}

export async function serveFiles(
  state: State,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { storage, index } = state;
  const { method = '', headers } = request;
  if (state.locked.has(path) && !['GET', 'HEAD', 'PROPFIND'].includes(method)) throw refusals.locked(path);
  await checkConditions(
    headers,
    path,
    (at) => etagAt(state, at),
    (url) => filePath(state, url),
  );
  switch (method) {
    case 'PROPFIND':
      return propfind(state, path, request, response);
    case 'GET':
    case 'HEAD':
      return get(state, path, request, response);
    case 'PUT':
      return put(state, path, request, response);
    case 'PATCH':
      return recalculate(state, path, request, response);
    case 'MKCOL': {
      const taken = refusals.notAllowed('The resource you tried to create already exists');
      if (await storage.entry(storedAt(state, path))) throw taken;
      if (!(await folderAt(state, parentOf(path)))) throw refusals.conflict('Parent node does not exist');
      checkName(nameOf(path), state.settings.names);
      if (!(await storage.makeFolder(storedAt(state, path)))) throw taken;
      const { id, etag } = index.changed(indexedAt(state, path));
      return send(response, 201, { 'oc-fileid': fileId(id), 'oc-etag': `"${etag}"` });
    }
    case 'DELETE': {
      if (path === '') throw refusals.forbidden('Permission denied to delete node');
      const entry = await storage.entry(storedAt(state, path));
      if (!entry) throw refusals.notFound(path);
      await storage.done('DELETE', storedAt(state, path) + (entry.folder ? '/' : ''));
      index.removed(indexedAt(state, path));
      return send(response, 204);
    }
    case 'MOVE':
      return move(state, path, request, response);
    default:
      throw new Refusal(501, 'Sabre\\DAV\\Exception\\NotImplemented', `There was no handler for ${method}`);
  }
}

async function propfind(state: State, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = await namesAsked(await bodyOf(request));
  const { depth = '1' } = request.headers;
  if (depth !== '0' && depth !== '1') throw refusals.forbidden('Depth: infinity is not allowed');
  const itself = await state.storage.entry(storedAt(state, path));
  if (!itself) throw refusals.notFound(path);
  const root = `/remote.php/dav/files/${encodeURIComponent(state.user)}/`;
  const hrefOf = (at: string, folder: boolean): string =>
    root + at.split('/').map(encodeURIComponent).join('/') + (folder && at !== '' ? '/' : '');
  const entries = [{ href: hrefOf(path, itself.folder), props: await propertiesOf(state, path, itself, asked) }];
  if (depth === '1' && itself.folder) {
    for (const member of await state.storage.members(storedAt(state, path))) {
      const at = path === '' ? member.name : `${path}/${member.name}`;
      entries.push({ href: hrefOf(at, member.folder), props: await propertiesOf(state, at, member, asked) });
    }
  }
  send(response, 207, { 'content-type': 'application/xml; charset=utf-8' }, multistatusOf(entries, asked));
}

async function get(state: State, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const entry = await state.storage.entry(storedAt(state, path));
  if (!entry) throw refusals.notFound(path);
  if (entry.folder) throw refusals.notAllowed('GET is not allowed on folders');
  const { etag, checksum } = state.index.at(indexedAt(state, path));
  const { range, 'if-range': ifRange } = request.headers;
  const ranged = range !== undefined && (ifRange === undefined || ifRange === `"${etag}"`);
  const answer = await state.storage.ask(request.method ?? '', storedAt(state, path), ranged ? { range } : {});
  const { 'content-length': length, 'content-range': contentRange, 'last-modified': modified } = answer.headers;
  response.writeHead(answer.statusCode ?? 500, {
    'content-type': 'application/octet-stream',
    etag: `"${etag}"`,
    'oc-etag': `"${etag}"`,
    'content-disposition': `attachment; filename="${encodeURIComponent(nameOf(path))}"`,
    ...(length !== undefined && { 'content-length': length }),
    ...(contentRange !== undefined && { 'content-range': contentRange }),
    ...(modified !== undefined && { 'last-modified': modified }),
    ...(checksum !== '' && { 'oc-checksum': checksum }),
  });
  answer.pipe(response);
}

async function put(state: State, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { storage } = state;
  const { headers } = request;
  checkName(nameOf(path), state.settings.names);
  if (headers['x-nc-webdav-auto-mkcol'] === '1') await makeParents(state, path);
  if (!(await folderAt(state, parentOf(path)))) {
    throw refusals.conflict('Files cannot be created in non-existent collections');
  }
  const before = await storage.entry(storedAt(state, path));
  if (before?.folder) throw refusals.conflict('PUT is not allowed on non-files.');
  await checkRoom(state, path, Number(headers['oc-total-length'] ?? headers['content-length'] ?? 0));
  const sha256 = createHash('sha256');
  const damage = state.damaged > 0;
  if (damage) state.damaged--;
  const { aside } = await receive(state, request, damage, (chunk) => sha256.update(chunk));
  const hash = sha256.digest('hex');
  const checksum = String(headers['oc-checksum'] ?? '').trim();
  if (state.settings.checksChecksums && checksum !== '' && checksum.toUpperCase() !== `SHA256:${hash.toUpperCase()}`) {
    await storage.done('DELETE', aside);
    throw refusals.badRequest('The computed checksum does not match the one received from the client.');
  }
  await storage.move(aside, storedAt(state, path));
  const stored = await putDown(state, path, headers);
  // Stored as it was told: Nextcloud does not compare it (File::put).
  state.index.at(indexedAt(state, path)).checksum = checksum;
  const asked = headers['x-hash'];
  send(response, before ? 204 : 201, {
    ...stored,
    ...((asked === 'sha256' || asked === 'all') && { 'x-hash-sha256': hash }),
  });
}

/** What follows when content is in its place: dates, a new ETag, and the headers that say so. */
export async function putDown(
  state: State,
  path: string,
  headers: IncomingMessage['headers'],
): Promise<Record<string, string>> {
  const told: Record<string, string> = {};
  const entry = state.index.changed(indexedAt(state, path));
  const modified = headers['x-oc-mtime'];
  if (modified !== undefined) {
    await utimes(state.storage.fileAt(storedAt(state, path)), new Date(), sanitized(String(modified)));
    told['x-oc-mtime'] = 'accepted';
  }
  const created = headers['x-oc-ctime'];
  if (created !== undefined) {
    entry.created = sanitized(String(created));
    told['x-oc-ctime'] = 'accepted';
  }
  return { ...told, 'oc-fileid': fileId(entry.id), etag: `"${entry.etag}"`, 'oc-etag': `"${entry.etag}"` };
}

/** MtimeSanitizer.php: thrown after the content is stored, and answered with 500. */
function sanitized(seconds: string): number {
  if (/^\d+(\.\d+)?$/.test(seconds) && Number(seconds) > 86_400) return Math.trunc(Number(seconds));
  const message = `X-OC-MTime header must be a valid positive unix timestamp greater than one day, got "${seconds}".`;
  throw new Refusal(500, 'InvalidArgumentException', message);
}

/** PATCH with X-Recalculate-Hash (ChecksumUpdatePlugin.php). */
async function recalculate(
  state: State,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const type = String(request.headers['x-recalculate-hash'] ?? '').toLowerCase();
  const entry = await state.storage.entry(storedAt(state, path));
  if (!entry) throw refusals.notFound(path);
  if (entry.folder || !['md5', 'sha1', 'sha256'].includes(type)) {
    throw new Refusal(501, 'Sabre\\DAV\\Exception\\NotImplemented', 'There was no handler for PATCH');
  }
  const hash = createHash(type);
  for await (const chunk of createReadStream(state.storage.fileAt(storedAt(state, path)))) hash.update(chunk);
  const checksum = `${type.toUpperCase()}:${hash.digest('hex')}`;
  state.index.at(indexedAt(state, path)).checksum = checksum;
  send(response, 204, { 'oc-checksum': checksum });
}

async function move(state: State, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { storage, index } = state;
  const entry = await storage.entry(storedAt(state, path));
  if (!entry) throw refusals.notFound(path);
  const to = filePath(state, String(request.headers.destination ?? ''));
  if (to === undefined) throw refusals.badRequest('The destination header is not of these files');
  const replaced = await checkDestination(state, to, request.headers);
  if (to === path) throw refusals.forbidden('Source and destination uri are identical.');
  if (to.startsWith(`${path}/`)) throw refusals.conflict('The destination may not be part of the same subtree');
  if (replaced) {
    const old = await storage.entry(storedAt(state, to));
    await storage.done('DELETE', storedAt(state, to) + (old?.folder ? '/' : ''));
    index.removed(indexedAt(state, to));
  }
  await storage.move(
    storedAt(state, path) + (entry.folder ? '/' : ''),
    storedAt(state, to) + (entry.folder ? '/' : ''),
  );
  index.moved(indexedAt(state, path), indexedAt(state, to));
  const { id, etag } = index.at(indexedAt(state, to));
  send(response, replaced ? 204 : 201, { 'oc-fileid': fileId(id), 'oc-etag': `"${etag}"` });
}

/** Whether something stands there, to be replaced. Throws what forbids that. */
export async function checkDestination(
  state: State,
  to: string,
  headers: IncomingMessage['headers'],
): Promise<boolean> {
  if (!(await folderAt(state, parentOf(to)))) throw refusals.conflict('The destination node is not found');
  const there = (await state.storage.entry(storedAt(state, to))) !== undefined;
  if (there && headers.overwrite === 'F') throw refusals.precondition('Overwrite');
  if (state.locked.has(to)) throw refusals.locked(to);
  checkName(nameOf(to), state.settings.names);
  return there;
}

async function makeParents(state: State, path: string): Promise<void> {
  const names = path.split('/').slice(0, -1);
  for (let n = 1; n <= names.length; n++) {
    const at = names.slice(0, n).join('/');
    if (await state.storage.entry(storedAt(state, at))) continue;
    checkName(nameOf(at), state.settings.names);
    if (await state.storage.makeFolder(storedAt(state, at))) state.index.changed(indexedAt(state, at));
  }
}

export async function folderAt(state: State, path: string): Promise<boolean> {
  return (await state.storage.entry(storedAt(state, path)))?.folder === true;
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function fileId(id: number): string {
  return `${String(id).padStart(8, '0')}ocemulator`;
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
