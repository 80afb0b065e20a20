/** What `doctor` and `plan` show of a server. */
import type { Capability } from '../contract.js';
import { entryAt, roomIn } from './entries.js';
import type { WebdavSession } from './session.js';

export async function describeFolder(
  session: WebdavSession,
  role: 'source' | 'target',
  signal: AbortSignal,
): Promise<readonly Capability[]> {
  const { http, root } = session;
  session.check(signal);
  const asking = { method: 'OPTIONS', path: root };
  const { status, headers } = await http.change(asking, signal);
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
    ...(room === undefined ? [] : [{ name: 'room', value: `${room} bytes` }]),
  ];
}
