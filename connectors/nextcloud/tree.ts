/** An account's files as a tree (connectors/webdav/tree.ts): names in one Unicode form, and what Nextcloud tells of entries. */
import type { DavHttp } from '../dav/http.js';
import type { Tree } from '../webdav/tree.js';
import { requestPath } from './paths.js';
import { entryAt, membersOf } from './properties.js';

export function treeIn(http: DavHttp, root: string): Tree {
  return {
    http,
    system: 'Nextcloud',
    pathOf: (key) => requestPath(root, key),
    membersOf: (folder, signal) => membersOf(http, folder, signal),
    entryAt: (path, signal) => entryAt(http, path, signal),
  };
}
