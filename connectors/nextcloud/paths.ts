/**
 * Keys of items as paths of requests. Nextcloud keeps names in Unicode form C, whatever it is sent (normalizePath in
 * lib/private/Files/Filesystem.php): so paths are asked for in that form.
 */
import * as webdav from '../wire/webdav/paths.js';

/** As `requestPath` of connectors/wire/webdav/paths.ts. */
export function requestPath(root: string, key: string): string {
  return webdav.requestPath(root, key.normalize('NFC'));
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
