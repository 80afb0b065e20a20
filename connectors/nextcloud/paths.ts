/**
 * Keys of items as paths of requests, and hrefs as keys. Nextcloud keeps names in Unicode form C, whatever it is sent
 * (OC_Util::normalizeUnicode in lib/private/Files/Filesystem.php): so paths are asked for in that form.
 */
import { encodePath, segmentOf } from '../dav/hrefs.js';

/** The version of an entry whose name could lead out of its folder: it is shown, and never read. */
export const UNSAFE = 'unsafe-name';

/** The path of a request, in the form of connectors/dav/hrefs.ts. `root` ends with a slash. */
export function requestPath(root: string, key: string): string {
  return root + key.normalize('NFC').split('/').map(segmentOf).join('/');
}

/** The same as a header: `Destination`, and the tag in `If`. */
export function destination(origin: string, path: string): string {
  return origin + encodePath(path);
}

/** The decoded names of a path given in a URL or an option. Undefined where it leads out of where it begins. */
export function namesOf(path: string, decode: (name: string) => string = (name) => name): string[] | undefined {
  const names = path
    .split('/')
    .filter((name) => name !== '')
    .map(decode);
  return names.every(isSafe) ? names.map((name) => name.normalize('NFC')) : undefined;
}

/** The name of a member in a listing of `folder`, decoded; undefined for the folder itself and for what is elsewhere. */
export function memberName(
  folder: string,
  href: string,
): { readonly name: string; readonly safe: boolean } | undefined {
  const path = /^https?:\/\//i.test(href) ? href.replace(/^[^/]*\/\/[^/]*/, '') : href;
  const segments = path
    .replace(/[?#].*$/s, '')
    .replace(/\/$/, '')
    .split('/');
  const above = folder.replace(/\/$/, '').split('/').map(decodedOr);
  if (segments.length !== above.length + 1) return undefined;
  if (!above.every((name, at) => name === decodedOr(segments[at] as string))) return undefined;
  const last = segments.at(-1) as string;
  const name = decodedOr(last);
  return isSafe(name) && isText(last) ? { name, safe: true } : { name: spelt(last), safe: false };
}

/** Names that stay in their folder, on any system. */
export function isSafe(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

/** As it was sent, with dots that could lead out encoded. */
function spelt(sent: string): string {
  return sent.replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length)) || '%';
}

function isText(sent: string): boolean {
  try {
    decodeURIComponent(sent);
    return true;
  } catch {
    return false;
  }
}

function decodedOr(sent: string): string {
  try {
    return decodeURIComponent(sent);
  } catch {
    return sent;
  }
}

/** The folder that an entry stands in: '' for the root. */
export function parentOf(key: string): string {
  const plain = key.endsWith('/') ? key.slice(0, -1) : key;
  return plain.slice(0, plain.lastIndexOf('/') + 1);
}
