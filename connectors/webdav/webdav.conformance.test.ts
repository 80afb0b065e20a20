/** The suites for files on a real Apache. Each trait has a folder of its own below that of the user. */
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { fileSourceConformance } from '../../tests/conformance/file-source.js';
import { fileTargetConformance } from '../../tests/conformance/file-target.js';
import { give, giveAll, startApache } from '../../tests/servers/apache.js';
import type { DavServer } from '../../tests/servers/dav-server.js';
import type { Access, Source, Target } from '../contract.js';
import type { FileBody } from '../files.js';
import { foldersAbove } from '../files.js';
import { connector } from './index.js';
import { isParts } from './paths.js';

let apache: DavServer;
let worlds = 0;

const access: Access = { account: 'anna', kind: 'files', secret: async () => 'secret' };

beforeAll(async () => {
  apache = await startApache({ users: ['anna'] });
}, 60_000);
afterAll(() => apache?.stop());

async function world() {
  const name = `world ${++worlds}`;
  const dir = join(apache.folder, 'anna', name);
  await mkdir(dir);
  await giveAll(dir);
  const options = {
    url: `${apache.url}/anna/${encodeURIComponent(name)}`,
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
    source: () => opened(connector.source?.(options, access) as Source<FileBody>),
    target: () => opened(connector.target?.(options, access) as Target<FileBody>),
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

fileSourceConformance({
  name: 'webdav on Apache',
  world: async () => {
    const made = await world();
    return { ...made, open: made.source };
  },
  waived: {},
});

fileTargetConformance({
  name: 'webdav on Apache',
  world: async () => {
    const made = await world();
    return { ...made, open: made.target };
  },
  waived: {},
});
