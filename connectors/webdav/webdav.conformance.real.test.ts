/** The suites for files on a real Apache. Each trait has a folder of its own below that of the user. */
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { fileSourceConformance } from '../../tests/conformance/file-source.js';
import { fileTargetConformance } from '../../tests/conformance/file-target.js';
import { give, giveAll, startApache } from '../../tests/servers/apache.js';
import type { DavAsked, DavProxy } from '../../tests/servers/dav-proxy.js';
import { startDavProxy } from '../../tests/servers/dav-proxy.js';
import type { DavServer } from '../../tests/servers/dav-server.js';
import type { Access } from '../contract.js';
import { foldersAbove } from '../kinds/files.js';
import { isParts } from '../wire/webdav/paths.js';
import { connector } from './index.js';

let apache: DavServer;
/** The same server without conditions and ranges, as those on golang.org/x/net/webdav are. */
let plain: DavProxy;
let worlds = 0;

const DATES = 'mod_dav dates files by their arrival';

const access: Access = { account: 'anna', kind: 'files', secret: async () => 'secret' };

beforeAll(async () => {
  apache = await startApache({ users: ['anna'] });
  plain = await startDavProxy(apache);
  plain.add({ ask: withoutConditions });
  plain.add({
    when: ({ headers }) => headers['content-range'] !== undefined,
    reply: () => ({ status: 501, headers: {}, body: Buffer.alloc(0) }),
  });
});
afterAll(async () => {
  await plain?.stop();
  await apache?.stop();
});

const CONDITIONS = ['if', 'if-match', 'if-none-match', 'range', 'if-range'];

function withoutConditions(asked: DavAsked): DavAsked {
  const headers = Object.fromEntries(Object.entries(asked.headers).filter(([name]) => !CONDITIONS.includes(name)));
  return { ...asked, headers };
}

async function world(server: { readonly url: string }) {
  const name = `world ${++worlds}`;
  const dir = join(apache.folder, 'anna', name);
  await mkdir(dir);
  await giveAll(dir);
  const options = {
    url: `${server.url}/anna/${encodeURIComponent(name)}`,
    auth: { username: 'anna', password: { env: 'X' } },
  };
  const sessions: { close(): void }[] = [];
  const opened = <S extends { close(): void }>(session: S): S => {
    sessions.push(session);
    return session;
  };
  const at = (path: string): string => join(dir, path);
  const made = async (path: string): Promise<void> => {
    for (const folder of foldersAbove(path)) {
      const first = await mkdir(at(folder), { recursive: true });
      if (first) await giveAll(at(folder));
    }
  };
  let edits = 0;
  return {
    source: () => opened(connector.source(options, access)),
    target: () => opened(connector.target(options, access)),
    async put(path: string, bytes: Buffer, modified?: string) {
      await made(path);
      await writeFile(at(path), bytes);
      // Edits follow each other faster here than the ticks of a file system's clock.
      const date = new Date(modified ?? Date.now() - 5_000 + ++edits);
      await utimes(at(path), date, date);
      await give(at(path));
    },
    mkdir: (path: string) => made(`${path}x`),
    remove: (path: string) => rm(at(path), { recursive: true }),
    read: (path: string) => readFile(at(path)).catch(() => undefined),
    async list() {
      const found = await readdir(dir, { recursive: true, withFileTypes: true });
      return found
        .filter((one) => !isParts(one.name) && one.name !== '.DAV' && !one.parentPath.endsWith('/.DAV'))
        .map((one) => join(relative(dir, one.parentPath), one.name) + (one.isDirectory() ? '/' : ''))
        .sort();
    },
    async close() {
      for (const session of sessions) session.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const NOT_OFFERED = {
  'tells versions that hold': 'Apache answers PUT without an ETag: it is had when the copies are verified',
  'keeps the date of the content': DATES,
  'keeps the date of a large file': DATES,
  'tells the SHA-256 of what it stores': 'Apache keeps no checksums: reading back is what there is',
  'tells how much room there is': 'Apache tells no quota',
} as const;

fileSourceConformance({
  name: 'webdav on Apache',
  world: async () => {
    const made = await world(apache);
    return { ...made, open: made.source };
  },
  waived: {
    'changes its token with every edit, addition and removal, in any depth':
      'Apache keeps no state of a whole tree: it is listed each time',
    'keeps the id of a file that is edited': 'Apache tells no ids',
  },
});

fileTargetConformance({
  name: 'webdav on Apache',
  world: async () => {
    const made = await world(apache);
    return { ...made, open: made.target };
  },
  waived: NOT_OFFERED,
});

fileTargetConformance({
  name: 'webdav on a server without conditions and ranges',
  world: async () => {
    const made = await world(plain);
    return { ...made, open: made.target };
  },
  waived: NOT_OFFERED,
});
