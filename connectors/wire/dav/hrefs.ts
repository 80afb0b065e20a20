/**
 * Hrefs as keys. Servers write the same resource in several ways: as a whole URL or a path, with more or fewer characters
 * percent-encoded, in either case of hex digits. Keys are decoded paths, in which only what has no other form stays
 * encoded: `%2F` would make two segments of one, `%25` would make an escape of what is none.
 */

const KEPT = /(%2f|%25)/i;
const ESCAPE = /(%[0-9A-F]{2})/;

/** The decoded path of an href, without the origin. Undefined for what is not a path. */
export function pathOf(href: string): string | undefined {
  const path = /^[a-z][a-z0-9+.-]*:\/\//i.test(href) ? href.replace(/^[^/]*\/\/[^/]*/, '') || '/' : href;
  if (!path.startsWith('/')) return undefined;
  return path
    .replace(/[?#].*$/s, '')
    .split('/')
    .map((segment) => segment.split(KEPT).map(decoded).join(''))
    .join('/');
}

function decoded(part: string): string {
  if (KEPT.test(part)) return part.toUpperCase();
  try {
    return decodeURIComponent(part);
  } catch {
    // Not UTF-8: the server's own bytes are the name.
    return part.replace(/%[0-9a-f]{2}/gi, (byte) => byte.toUpperCase());
  }
}

/** A key as it goes into a request. */
export function encodePath(path: string): string {
  return path
    .split('/')
    .map((segment) =>
      segment
        .split(ESCAPE)
        .map((part) => (ESCAPE.test(part) ? part : encodeURIComponent(part).replaceAll('%40', '@')))
        .join(''),
    )
    .join('/');
}

/** A name as a segment of a key: what would be taken for an escape or a separator is encoded. */
export function segmentOf(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F');
}

/** The name of a member of `collection` (a key with a slash at its end); undefined for anything else. */
export function nameIn(collection: string, href: string): string | undefined {
  const path = pathOf(href);
  if (path === undefined || !path.startsWith(collection)) return undefined;
  const name = path.slice(collection.length);
  return name === '' || name.includes('/') ? undefined : name;
}

export function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

/** The collection that holds the one of this key; both have a slash at their ends. */
export function parentOf(collection: string): string {
  return collection.slice(0, collection.lastIndexOf('/', collection.length - 2) + 1);
}
