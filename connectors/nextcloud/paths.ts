/**
 * Keys of items as paths of requests. Nextcloud keeps names in Unicode form C, whatever it is sent (normalizePath in
 * lib/private/Files/Filesystem.php): so paths are asked for in that form.
 */
import { segmentOf } from '../dav/hrefs.js';

/** The path of a request, in the form of connectors/dav/hrefs.ts. `root` ends with a slash. */
export function requestPath(root: string, key: string): string {
  return root + key.normalize('NFC').split('/').map(segmentOf).join('/');
}

/** Whether a path below the root is one: it leads nowhere else, and means the same to all who read it. */
export function isPath(path: string): boolean {
  return path.replace(/\/$/, '').split('/').every(isName);
}

/** The names of a path in a URL or an option, decoded. Undefined where it leads out of where it begins. */
export function namesOf(path: string, decode: (name: string) => string = (name) => name): string[] | undefined {
  const names = path
    .split('/')
    .filter((name) => name !== '')
    .map(decode);
  return names.every(isName) ? names.map((name) => name.normalize('NFC')) : undefined;
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}
