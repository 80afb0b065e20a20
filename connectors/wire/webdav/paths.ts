/** Keys of items as paths of requests, and hrefs as names. */

import { Fault } from '../../errors.js';
import { encodePath, segmentOf } from '../dav/hrefs.js';

/** The version of an entry whose name could lead out of its folder: it is shown, and never read. */
export const UNSAFE = 'unsafe-name';

/** A large file on its way, beside its place. */
const PARTS = /^\.drover-[0-9A-Za-z-]+\.part$/;

export const partsName = (token: string): string => `.drover-${token}.part`;
export const isParts = (name: string): boolean => PARTS.test(name);

/** False for keys and references that lead out of the root, or to another place than they seem to. */
export function staysBelow(key: string): boolean {
  if (key.includes('\0')) return false;
  const plain = key.endsWith('/') ? key.slice(0, -1) : key;
  return plain.split('/').every((name) => name !== '' && name !== '.' && name !== '..');
}

/**
 * The path of a request, in the form of connectors/wire/dav/hrefs.ts. `root` ends with a slash. Throws `Fault('refused')` for
 * what would lead out of it: servers, and clients before them, resolve "..".
 */
export function requestPath(root: string, key: string): string {
  if (key !== '' && !staysBelow(key)) {
    throw new Fault('refused', 'a path with "..", "." or an empty name could lead out of the folder', {
      next: 'rename it in the source',
    });
  }
  return root + key.split('/').map(segmentOf).join('/');
}

/** The same as a header: `Destination`, and the tag in `If`. */
export function destination(origin: string, path: string): string {
  return origin + encodePath(path);
}

export interface MemberName {
  readonly name: string;
  /** False: it could lead out of its folder, or is not text. */
  readonly safe: boolean;
}

/**
 * Tells the decoded names of members in a listing of `folder` (a request's path) from their hrefs; undefined for the
 * folder itself and for what is elsewhere.
 */
export function memberNames(folder: string): (href: string) => MemberName | undefined {
  const encoded = encodePath(folder);
  const decoded = decodedOr(encoded);
  return (href) => {
    const path = href.startsWith('/') ? href : href.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
    // Not cut at "?" and "#": servers that forget to encode them mean a name, for no listing has queries or fragments.
    const plain = path.replace(/\/$/, '');
    const at = plain.lastIndexOf('/') + 1;
    const above = plain.slice(0, at);
    // As most servers write it, or as it can be read.
    if (above !== encoded && decodedOr(above) !== decoded) return undefined;
    const last = plain.slice(at);
    if (last === '') return undefined;
    const name = decodedOr(last);
    if (name === '.' || name === '..' || /[/\0]/.test(name) || !isText(last)) {
      return { name: last.replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length)), safe: false };
    }
    return { name, safe: true };
  };
}

/** The same for one href. */
export function memberName(folder: string, href: string): MemberName | undefined {
  return memberNames(folder)(href);
}

function isText(sent: string): boolean {
  if (!sent.includes('%')) return true;
  try {
    decodeURIComponent(sent);
    return true;
  } catch {
    return false;
  }
}

function decodedOr(sent: string): string {
  if (!sent.includes('%')) return sent;
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
