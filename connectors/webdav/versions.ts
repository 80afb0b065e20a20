/** The version that the answer to a change tells, and the date that goes with content. */
import type { Changed } from '../wire/dav/http.js';
import { plainEtag } from '../wire/webdav/entries.js';

export function versionIn({ headers: { etag } }: Pick<Changed, 'headers'>): { version?: string } {
  return etag === undefined ? {} : { version: plainEtag(etag) };
}

/** ownCloud's header, which other servers take too; whoever does not know it passes it over. */
export function dateHeader(modified: unknown): Record<string, string> {
  const at = Math.floor(Date.parse(typeof modified === 'string' ? modified : '') / 1000);
  return at > 0 ? { 'x-oc-mtime': String(at) } : {};
}
