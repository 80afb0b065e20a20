/** What a target holds, as evidence: read back, or by size. */
import type { Intent, Located, TargetRef } from '../../contract.js';
import { Fault } from '../../errors.js';
import { digestStream } from '../../kinds/file-digest.js';
import type { FileMeta } from '../../kinds/files.js';
import { digestFile, emptyBody, LARGE_BYTES } from '../../kinds/files.js';
import { HttpFault } from '../dav/faults.js';
import type { DavHttp } from '../dav/http.js';
import { openNow, short } from './content.js';
import type { Entry } from './entries.js';
import { entryAt, membersOf, metaOf, versionOf } from './entries.js';
import { parentOf, requestPath, staysBelow } from './paths.js';

export interface RemotePath {
  readonly http: DavHttp;
  readonly root: string;
}

/** The copy under a reference, what is large digested while it streams by; undefined when it is not there. */
export async function copyAt(
  { http, root }: RemotePath,
  ref: string,
  signal: AbortSignal,
): Promise<TargetRef | undefined> {
  if (!staysBelow(ref)) return undefined;
  const path = requestPath(root, ref);
  if (ref.endsWith('/')) {
    const there = await entryAt(http, path, signal);
    return there?.folder ? folderRef(ref, there) : undefined;
  }
  try {
    const opened = await openNow(http, path, signal);
    const small = await opened.upTo(LARGE_BYTES);
    const { digest, bytes } = small
      ? { digest: digestFile({ type: 'file', path: ref, bytes: small }), bytes: small.length }
      : await digestStream(opened.body);
    if (opened.bytes === undefined) {
      // It may have ended anywhere.
      const there = await entryAt(http, path, signal);
      if (there && there.bytes !== bytes) throw short(http.where({ method: 'GET', path }));
    }
    const { modified, etag = '' } = opened;
    const meta: FileMeta = { type: 'file', ...(modified !== undefined && { modified }) };
    return { ref, digest, bytes, meta, body: emptyBody(meta, ref), version: versionOf(etag, bytes, modified) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === 'not-found') return undefined;
    // GET of a folder is 405 (sabre/dav): what stands there is no file.
    if (error.code === 'refused' && (await entryAt(http, path, signal))?.folder) return undefined;
    throw error;
  }
}

function folderRef(ref: string, there: Entry): TargetRef {
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
  { http, root }: RemotePath,
  refs: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Sized> {
  const byFolder = new Map<string, string[]>();
  for (const ref of refs.filter(staysBelow)) {
    const folder = parentOf(ref);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), ref]);
  }
  for (const [folder, wanted] of byFolder) {
    const sized = (ref: string, there: Entry | undefined): Sized[] =>
      there && there.folder === ref.endsWith('/')
        ? [{ ref, bytes: there.bytes, version: there.folder ? '' : there.version }]
        : [];
    if (wanted.length < FEW) {
      for (const ref of wanted) yield* sized(ref, await entryAt(http, requestPath(root, ref), signal));
      continue;
    }
    const names = new Map(wanted.map((ref) => [ref.slice(folder.length), ref]));
    const found = new Map<string, Entry>();
    try {
      for await (const page of membersOf(http, requestPath(root, folder), signal)) {
        for (const member of page) {
          const ref = names.get(member.folder ? `${member.name}/` : member.name);
          if (ref !== undefined && member.unseen) throw new Fault('unavailable', member.unseen);
          if (ref !== undefined) found.set(ref, member);
        }
      }
    } catch (error) {
      if (!isNoFolder(error)) throw error;
    }
    for (const ref of wanted) yield* sized(ref, found.get(ref));
  }
}

/** Nothing stands there, or a file does: Apache's 400. */
function isNoFolder(error: unknown): boolean {
  if (error instanceof HttpFault) return [400, 404, 409, 410].includes(error.status);
  return error instanceof Fault && error.code === 'conflict';
}

/** What became of a write in doubt: landed when what stands there has its digest. */
export async function locate(
  place: RemotePath,
  { token, path, digest }: Intent,
  signal: AbortSignal,
): Promise<Located> {
  if (path === undefined)
    return { token, found: 'unsure', reason: 'the ledger does not say where it was to be written' };
  const copy = await copyAt(place, path, signal);
  if (!copy || copy.digest !== digest) return { token, found: 'absent' };
  const { meta, version } = copy;
  return { token, found: 'landed', ref: path, meta, ...(version !== undefined && { version }) };
}
