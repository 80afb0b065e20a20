/**
 * What a target holds, as evidence: read back or by size as from any WebDAV server, and by the checksum that Nextcloud
 * computes when it is asked. References are answered as they were asked for, whatever form the server keeps names in.
 */
import type { Intent, Located, TargetRef } from '../contract.js';
import type { RemotePath, Sized } from '../wire/webdav/evidence.js';
import * as webdav from '../wire/webdav/evidence.js';
import { staysBelow } from '../wire/webdav/paths.js';
import { requestPath } from './paths.js';

export async function copyAt(place: RemotePath, ref: string, signal: AbortSignal): Promise<TargetRef | undefined> {
  if (!staysBelow(ref)) return undefined;
  const copy = await webdav.copyAt(place, ref.normalize('NFC'), signal);
  return copy && { ...copy, ref };
}

export async function* sizesOf(place: RemotePath, refs: readonly string[], signal: AbortSignal): AsyncGenerator<Sized> {
  const asked = new Map<string, string[]>();
  for (const ref of refs.filter(staysBelow)) {
    const kept = ref.normalize('NFC');
    asked.set(kept, [...(asked.get(kept) ?? []), ref]);
  }
  for await (const sized of webdav.sizesOf(place, [...asked.keys()], signal)) {
    for (const ref of asked.get(sized.ref) ?? []) yield { ...sized, ref };
  }
}

/**
 * SHA-256 that the server computes from what it stores (apps/dav/lib/Connector/Sabre/ChecksumUpdatePlugin.php); it keeps
 * it with the file, whose content and version stay as they are. `oc:checksums` would be cheaper, and proves nothing: it
 * holds what the uploader claimed. What the server cannot tell is left out.
 */
export async function* checksumsOf(place: RemotePath, refs: readonly string[], signal: AbortSignal) {
  const { http, root } = place;
  for await (const { ref, bytes } of sizesOf(place, refs, signal)) {
    if (ref.endsWith('/')) continue;
    const headers = { 'x-recalculate-hash': 'sha256' };
    const asking = { method: 'PATCH', path: requestPath(root, ref), headers };
    const answer = await http.change(asking, signal);
    const sha256 = /SHA256:([0-9a-f]{64})/i.exec(answer.headers['oc-checksum'] ?? '')?.[1]?.toLowerCase();
    if (answer.status < 300 && sha256 !== undefined) {
      yield { ref, sha256, bytes };
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
export async function locate(place: RemotePath, intent: Intent, signal: AbortSignal): Promise<Located> {
  const { path } = intent;
  if (path !== undefined && !staysBelow(path)) return { token: intent.token, found: 'absent' };
  return webdav.locate(place, { ...intent, ...(path !== undefined && { path: path.normalize('NFC') }) }, signal);
}
