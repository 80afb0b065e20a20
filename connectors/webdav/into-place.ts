/** The last step of what was sent beside its place: it is moved there, where that is as it is thought to be. */
import type { WriteAnswer } from '../contract.js';
import type { Fault } from '../errors.js';
import type { DavHttp } from '../wire/dav/http.js';
import type { DavRequest } from '../wire/dav/request.js';
import { inTheWay, refusedOr, taken } from '../wire/webdav/answers.js';
import { entryAt } from '../wire/webdav/entries.js';
import { destination, requestPath } from '../wire/webdav/paths.js';
import type { Folders } from './folders.js';
import { probePreconditions } from './preconditions.js';
import { versionIn } from './versions.js';

export interface Placing {
  readonly http: DavHttp;
  readonly root: string;
  readonly folders: Folders;
}

/**
 * Moves `from` (a request's path) to `path`: where nothing stands, or with `version` over that version. `doubt`: the
 * answer does not say whether it was done.
 */
export async function intoPlace(
  { http, root, folders }: Placing,
  from: string,
  { token, path }: { readonly token: string; readonly path: string },
  version: string | undefined,
  signal: AbortSignal,
): Promise<WriteAnswer | { readonly doubt: Fault }> {
  const to = requestPath(root, path);
  const where = destination(http.origin, to);
  const move = (condition: Readonly<Record<string, string>>): DavRequest => ({
    method: 'MOVE',
    path: from,
    headers: { destination: where, ...condition },
  });
  // Most servers look at no condition on the destination: it is looked at right before, and by those that do, within.
  const meant = async (): Promise<boolean> => {
    if (version !== undefined) return (await entryAt(http, to, signal))?.version === version;
    return (await probePreconditions(http, root, signal)).overwrite || !(await entryAt(http, to, signal));
  };
  if (!(await meant())) return taken(token, path);
  const request =
    version === undefined ? move({ overwrite: 'F' }) : move({ overwrite: 'T', if: `<${where}> (["${version}"])` });
  let answer = await http.change(request, signal);
  // Where a folder above is missing RFC 4918, 9.9.4, wants 409; Apache says 500, golang.org/x/net/webdav 403.
  if ([403, 409, 500].includes(answer.status)) {
    if (!(await folders.makeAgain(path, signal))) return inTheWay(token, path);
    answer = await http.change(request, signal);
  }
  if (answer.status === 412 && version !== undefined && (await meant())) {
    // It holds, and the server does not understand it.
    answer = await http.change(move({ overwrite: 'T' }), signal);
  }
  // RFC 4918, 9.9.4. A page to log in comes with 200.
  if (answer.status === 201 || answer.status === 204) return { token, ref: path, ...versionIn(answer) };
  if (answer.status === 412) return taken(token, path);
  const fault = http.faultFrom(request, answer, answer.error);
  // 504 from a proxy, 423 while the server is still at it, 404 when it has just been done.
  if (fault.code === 'unavailable' || answer.status === 404) return { doubt: fault };
  return refusedOr(fault, token);
}
