/** What `doctor` and `plan` show of a server. */
import type { Capability } from '../contract.js';
import { entryAt, roomIn } from '../wire/webdav/entries.js';
import type { WebdavSession } from './session.js';

export async function describeFolder(
  session: WebdavSession,
  role: 'source' | 'target',
  signal: AbortSignal,
): Promise<readonly Capability[]> {
  const { http, root } = session;
  session.check(signal);
  const request = { method: 'OPTIONS', path: root };
  const { status, headers } = await http.change(request, signal);
  const there = await entryAt(http, root, signal);
  const room = there?.folder && role === 'target' ? await roomIn(http, root, signal) : undefined;
  const speaks = status < 300 && headers.dav !== undefined;
  return [
    {
      name: 'WebDAV',
      value: headers.dav ?? 'not announced',
      ...(!speaks && { problem: `${http.origin} does not announce WebDAV; check url` }),
    },
    ...(headers.server === undefined ? [] : [{ name: 'server', value: headers.server }]),
    {
      name: 'folder',
      value: there ? (there.folder ? 'there' : 'a file stands there') : 'not there yet',
      ...(!there?.folder &&
        role === 'source' && { problem: `there is no folder at ${http.origin}${root}; correct url` }),
    },
    ...(role === 'source' && there?.folder ? await dotfiles(session, headers.server, signal) : []),
    ...(room === undefined ? [] : [{ name: 'room', value: `${room} bytes` }]),
  ];
}

/**
 * nginx shows no name that begins with a dot, and neither says so nor gives any other sign. It may also stand before a
 * server that shows them: then one is seen, as a rule.
 */
async function dotfiles(
  { tree }: WebdavSession,
  server: string | undefined,
  signal: AbortSignal,
): Promise<readonly Capability[]> {
  if (!/\bnginx\b/i.test(server ?? '')) return [];
  for await (const page of tree.membersOf(tree.pathOf(''), signal)) {
    if (page.some(({ name }) => name.startsWith('.'))) return [];
  }
  const value = 'none shown: nginx lists no names that begin with a dot, and what has one stays behind';
  return [{ name: 'dotfiles', value, remark: `dotfiles: ${value}` }];
}
