/** An account's files as a tree (connectors/wire/webdav/tree.ts): names in one Unicode form, and what Nextcloud reports of entries. */
import type { DavHttp } from '../wire/dav/http.js';
import type { Member } from '../wire/webdav/entries.js';
import type { Tree } from '../wire/webdav/tree.js';
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

/** What others share with the account, and team folders: in each account that sees them they look like its own. */
const OF_OTHERS: Readonly<Record<string, string>> = {
  shared: 'others share it with this account',
  group: 'it is a team folder',
};

export function isOfOthers({ mount }: Pick<Member, 'mount'>): boolean {
  return mount !== undefined && OF_OTHERS[mount] !== undefined;
}

/** The same without what is not the account's own; of a root that is not, all is meant. */
export function ownTree(tree: Tree, root: Pick<Member, 'mount'> | undefined): Tree {
  if (root && isOfOthers(root)) return tree;
  return {
    ...tree,
    leaves: ({ mount }) => {
      const what = OF_OTHERS[mount ?? ''];
      return what && `${what}, and each account that sees it would get a copy; \`shared: move\` takes it along`;
    },
  };
}
