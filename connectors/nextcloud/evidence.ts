/** What a target holds, as evidence: read back, by size, or by the checksum that the server computes when it is asked. */
import type { Intent, Located, TargetRef } from '../contract.js';
import type { DavHttp } from '../dav/http.js';
import { Fault } from '../errors.js';
import { digestStream } from '../file-digest.js';
import type { FileMeta } from '../files.js';
import { digestFile, emptyBody } from '../files.js';
import { openNow } from './content.js';
import { parentOf, requestPath } from './paths.js';
import type { Properties } from './properties.js';
import { entryAt, membersOf } from './properties.js';
import { metaOf } from './tree.js';

export interface Place {
  readonly http: DavHttp;
  readonly files: string;
}

/** The copy under a reference, its content digested while it streams by; undefined when it is not there. */
export async function copyAt({ http, files }: Place, ref: string, signal: AbortSignal): Promise<TargetRef | undefined> {
  const path = requestPath(files, ref);
  if (ref.endsWith('/')) {
    const there = await entryAt(http, path, signal);
    return there?.folder ? folderRef(ref, there) : undefined;
  }
  try {
    const opened = await openNow(http, path, signal);
    const { digest, bytes } = await digestStream(opened.body);
    const { modified, etag } = opened;
    const meta: FileMeta = { type: 'file', ...(modified !== undefined && { modified }) };
    return { ref, digest, bytes, meta, body: emptyBody(meta, ref), ...(etag !== undefined && { version: etag }) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === 'not-found') return undefined;
    // GET of a folder is 405 (sabre/dav): what stands there is no file.
    if (error.code === 'refused' && (await entryAt(http, path, signal))?.folder) return undefined;
    throw error;
  }
}

function folderRef(ref: string, there: Properties): TargetRef {
  const meta = metaOf(there);
  const body = emptyBody(meta, ref);
  return { ref, digest: digestFile(body), bytes: 0, meta, version: '', body };
}

export interface Sized {
  readonly ref: string;
  readonly bytes: number;
  readonly version: string;
}

/** Below so many references of one folder each is asked for by itself. */
const FEW = 3;

/** Sizes by one listing a folder. Those of one folder are told together, in the order asked. */
export async function* sizesOf(
  { http, files }: Place,
  refs: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Sized> {
  const byFolder = new Map<string, string[]>();
  for (const ref of refs) {
    const folder = parentOf(ref);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), ref]);
  }
  for (const [folder, wanted] of byFolder) {
    const sized = (ref: string, there: Properties | undefined): Sized[] =>
      there && there.folder === ref.endsWith('/')
        ? [{ ref, bytes: there.bytes, version: there.folder ? '' : there.etag }]
        : [];
    if (wanted.length < FEW) {
      for (const ref of wanted) yield* sized(ref, await entryAt(http, requestPath(files, ref), signal));
      continue;
    }
    const names = new Map(wanted.map((ref) => [ref.slice(folder.length).normalize('NFC'), ref]));
    const found = new Map<string, Properties>();
    try {
      for await (const member of membersOf(http, requestPath(files, folder), signal)) {
        const ref = names.get(member.folder ? `${member.name}/` : member.name);
        if (ref !== undefined) found.set(ref, member);
      }
    } catch (error) {
      if (!(error instanceof Fault) || (error.code !== 'not-found' && error.code !== 'conflict')) throw error;
    }
    for (const ref of wanted) yield* sized(ref, found.get(ref));
  }
}

/**
 * SHA-256 that the server computes from what it stores (apps/dav/lib/Connector/Sabre/ChecksumUpdatePlugin.php); it keeps
 * it with the file, whose content and version stay as they are. `oc:checksums` would be cheaper, and proves nothing: it
 * holds what the uploader claimed. What the server cannot tell is left out.
 */
export async function* checksumsOf(place: Place, refs: readonly string[], signal: AbortSignal) {
  const { http, files } = place;
  for await (const { ref, bytes, version } of sizesOf(place, refs, signal)) {
    if (ref.endsWith('/')) continue;
    const headers = { 'x-recalculate-hash': 'sha256' };
    const asking = { method: 'PATCH', path: requestPath(files, ref), headers };
    const answer = await http.change(asking, signal);
    const sha256 = /SHA256:([0-9a-f]{64})/i.exec(answer.headers['oc-checksum'] ?? '')?.[1]?.toLowerCase();
    if (answer.status < 300 && sha256 !== undefined) {
      yield { ref, sha256, bytes, version };
      continue;
    }
    if (answer.status < 300) continue;
    const fault = http.faultFrom(asking, answer, answer.error);
    // 404, 405, 501: gone meanwhile, or a server that cannot. 504: a large file took too long.
    const cannot = [404, 405, 501, 504].includes(answer.status) || fault.code === 'refused';
    if (!cannot) throw fault;
  }
}

/** What became of a write in doubt: landed when what stands there has its digest. */
export async function locate(place: Place, { token, path, digest }: Intent, signal: AbortSignal): Promise<Located> {
  if (path === undefined)
    return { token, found: 'unsure', reason: 'the ledger does not say where it was to be written' };
  const copy = await copyAt(place, path, signal);
  if (!copy || copy.digest !== digest) return { token, found: 'absent' };
  const { meta, version } = copy;
  return { token, found: 'landed', ref: path.normalize('NFC'), meta, ...(version !== undefined && { version }) };
}
