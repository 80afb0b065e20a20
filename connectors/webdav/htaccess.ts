/**
 * Whether a server reads `.htaccess` files as its own configuration (Apache with AllowOverride). A foreign one would break
 * every later request to its folder, or open what was closed. Found out in a folder of our own with a line that does no harm.
 */
import { randomUUID } from 'node:crypto';
import type { WriteAnswer } from '../contract.js';
import { nameOf } from '../kinds/files.js';
import { MOST_SAID, whole } from '../wire/dav/answer-body.js';
import type { DavHttp } from '../wire/dav/http.js';
import { partsName, requestPath } from '../wire/webdav/paths.js';
import { foundOnce } from './preconditions.js';

export const HTACCESS = '.htaccess';

const known = new Map<string, Promise<boolean>>();

/** The refusal of a write to this path; undefined where it does no harm. Costs nothing for other names. */
export async function perilous(
  { http, root }: { readonly http: DavHttp; readonly root: string },
  token: string,
  path: string,
  signal: AbortSignal,
): Promise<WriteAnswer | undefined> {
  if (nameOf(path) !== HTACCESS || path.endsWith('/')) return undefined;
  if (!(await foundOnce(known, http.origin + root, () => readsHtaccess(http, root, signal)))) return undefined;
  const reason =
    'the server reads files of this name as its own configuration (Apache, AllowOverride): one from elsewhere may break or open the whole folder; leave it out with `exclude`, or put it there by hand';
  return { refused: token, reason };
}

async function readsHtaccess(http: DavHttp, root: string, signal: AbortSignal): Promise<boolean> {
  const mark = randomUUID();
  const folder = requestPath(root, `${partsName(mark)}/`);
  if ((await http.change({ method: 'MKCOL', path: folder }, signal)).status !== 201) return false;
  try {
    const body = Buffer.from(`ErrorDocument 404 "${mark}"\n`);
    const { status } = await http.change({ method: 'PUT', path: folder + HTACCESS, body }, signal);
    if (status >= 300) return false;
    const answer = await http.ask({ method: 'GET', path: `${folder}nothing` }, signal);
    const said = (await whole(answer.body, MOST_SAID))?.toString() ?? '';
    // Where this line is not allowed all that is in the folder is answered with 500: it is read, too.
    return answer.status === 500 || said.includes(mark);
  } finally {
    await http.change({ method: 'DELETE', path: folder }, signal);
  }
}
