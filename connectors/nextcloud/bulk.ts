/**
 * Many small files in one request (developer manual, File bulk upload; apps/dav/lib/BulkUpload). The server replaces what
 * has the same name without a word, so this is done only into folders that this process has made, and that are empty of
 * those names when they are looked at right before: docs/decisions/0020-bulk-upload-into-new-folders.md.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Write, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody } from '../kinds/files.js';
import { MOST_SAID, whole } from '../wire/dav/answer-body.js';
import { parentOf, staysBelow } from '../wire/webdav/paths.js';
import type { Capabilities } from './capabilities.js';
import { refusesName } from './capabilities.js';
import { requestPath } from './paths.js';
import { membersOf } from './properties.js';
import type { Roots } from './session.js';
import type { Writing } from './write.js';
import { dateHeaders } from './write.js';

type Create = Extract<Write<FileBody>, { op: 'create' }>;

/** Fewer are sent one by one: the look before costs a request, too. */
const FEWEST = 4;
/** A request is held as a whole, here and, with many servers, there. */
const MOST_FILES = 100;
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Sends what it may, and answers that (with `lossy` also what loses its creation date); yields what is left as `left`. Throws a `Fault` when the answer was lost: none of
 * the request's files are answered then.
 */
export async function* bulk(
  writing: Writing,
  { base, files, home, capabilities }: Roots,
  lossy: boolean,
  writes: readonly Create[],
  signal: AbortSignal,
): AsyncGenerator<{ readonly answer: WriteAnswer } | { readonly left: Create }> {
  const byFolder = new Map<string, Create[]>();
  for (const write of writes) {
    const { path } = write.body;
    const travels =
      staysBelow(path) &&
      writing.folders.isFresh(parentOf(path)) &&
      canTravel(capabilities, write) &&
      (lossy || !isDated(write));
    if (!travels) {
      yield { left: write };
      continue;
    }
    const folder = parentOf(path);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), write]);
  }
  for (const [folder, fit] of byFolder) {
    const taken = fit.length < FEWEST ? undefined : await namesIn(writing, folder, signal);
    const free = taken ? fit.filter(({ body }) => !taken.has(nameOf(body))) : [];
    for (const write of fit) if (!free.includes(write)) yield { left: write };
    for (const chunk of chunksOf(free)) yield* send(writing, base, files.slice(home.length), chunk, signal);
  }
}

/** What the server's reader of parts would alter: it trims headers, and had trouble with empty files (server PR 39221). */
function canTravel(capabilities: Capabilities, { body }: Create): boolean {
  const { type, bytes, path } = body;
  return type === 'file' && bytes.length > 0 && path === path.trim() && !refusesName(capabilities, nameOf(body));
}

function isDated({ body }: Create): boolean {
  return dateHeaders(body).headers['x-oc-ctime'] !== undefined;
}

/** Undefined: the folder is gone, and is no longer one of ours. */
async function namesIn(
  { http, files, folders }: Writing,
  folder: string,
  signal: AbortSignal,
): Promise<Set<string> | undefined> {
  const names = new Set<string>();
  try {
    for await (const page of membersOf(http, requestPath(files, folder), signal)) {
      for (const { name } of page) names.add(name);
    }
    return names;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
    folders.forgetFresh(folder);
    folders.forget();
    return undefined;
  }
}

function nameOf({ path }: FileBody): string {
  return path.slice(path.lastIndexOf('/') + 1).normalize('NFC');
}

function* chunksOf(writes: readonly Create[]): Generator<Create[]> {
  let chunk: Create[] = [];
  let bytes = 0;
  for (const write of writes) {
    if (chunk.length === MOST_FILES || (chunk.length > 0 && bytes + write.bytes > MOST_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(write);
    bytes += write.bytes;
  }
  if (chunk.length > 0) yield chunk;
}

interface Reported {
  readonly error?: boolean;
  readonly etag?: string;
  readonly message?: string;
}

async function* send(
  { http, folders }: Writing,
  base: string,
  below: string,
  chunk: readonly Create[],
  signal: AbortSignal,
): AsyncGenerator<{ readonly answer: WriteAnswer } | { readonly left: Create }> {
  const boundary = `drover-${randomUUID()}`;
  const asking = {
    method: 'POST',
    path: `${base}remote.php/dav/bulk`,
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: multipart(boundary, below, chunk),
  };
  const answer = await http.ask(asking, signal);
  // 400 ends the reading of the parts; what was written until then is told all the same.
  if (answer.status !== 200 && answer.status !== 400) throw await http.fault(asking, answer);
  const reported = reportedIn(await whole(answer.body, MOST_SAID));
  for (const write of chunk) {
    const { token, body } = write;
    const of = reported.get(pathOf(below, body));
    if (of?.error === false) {
      const notes = [...dateHeaders(body).notes, ...(isDated(write) ? ['bulk upload keeps no creation date'] : [])];
      const version = of.etag?.replace(/^"(.*)"$/, '$1');
      const written = {
        token,
        ref: body.path.normalize('NFC'),
        ...(version && { version }),
        ...(notes.length > 0 && { notes }),
      };
      yield { answer: written };
      continue;
    }
    // Whatever was wrong with it: by itself, and on its condition, the server says it better. What was not told may have
    // been written; then that condition finds it.
    folders.forgetFresh(parentOf(body.path));
    yield { left: write };
  }
}

function pathOf(below: string, { path }: FileBody): string {
  return `/${decodedBelow(below)}${path}`.normalize('NFC');
}

/** Folders of a path, in the form of connectors/wire/dav/hrefs.ts, as plain names. */
function decodedBelow(below: string): string {
  return below.replace(/%2F/g, '/').replace(/%25/g, '%');
}

function multipart(boundary: string, below: string, chunk: readonly Create[]): Buffer {
  const parts = chunk.flatMap(({ body }) => {
    const { headers } = dateHeaders(body);
    const head = [
      `--${boundary}`,
      `Content-Length: ${body.bytes.length}`,
      'Content-Type: application/octet-stream',
      `X-File-Path: ${pathOf(below, body)}`,
      `X-File-MD5: ${createHash('md5').update(body.bytes).digest('hex')}`,
      ...(headers['x-oc-mtime'] === undefined ? [] : [`X-OC-Mtime: ${headers['x-oc-mtime']}`]),
    ];
    return [Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body.bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

function reportedIn(body: Buffer | undefined): Map<string, Reported> {
  const reported = new Map<string, Reported>();
  let said: unknown;
  try {
    said = body && JSON.parse(body.toString());
  } catch {
    // No word on any file: each is looked for by its own request.
    return reported;
  }
  if (typeof said !== 'object' || said === null) return reported;
  for (const [path, of] of Object.entries(said)) reported.set(path.normalize('NFC'), of as Reported);
  return reported;
}
