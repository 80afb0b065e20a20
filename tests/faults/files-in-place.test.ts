/** The network is cut within a PUT, to real servers that write into the file itself and keep what came. */
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import type { CuttingLine } from '../servers/cutting-line.js';
import { startCuttingLine } from '../servers/cutting-line.js';
import type { DavServer } from '../servers/dav-server.js';
import { hasGo, startGoWebdav, startWsgiDav } from '../servers/in-place-servers.js';

const SERVERS = [['WsgiDAV', startWsgiDav] as const, ...(hasGo ? [['x/net/webdav', startGoWebdav] as const] : [])];
const OLD = new Date('2020-01-01T00:00:00Z');

describe.each(SERVERS)('on %s', (_, start) => {
  let ledger: LedgerServer;
  let server: DavServer;
  let line: CuttingLine;
  let world: World;
  let from: string;
  let worlds = 0;
  let to: string;

  beforeAll(async () => {
    [ledger, server] = await Promise.all([startLedger(), start()]);
    line = await startCuttingLine(server);
  });
  afterAll(async () => {
    await line?.stop();
    await Promise.all([ledger?.stop(), server?.stop()]);
  });
  afterEach(async () => {
    await world?.close();
    await rm(from, { recursive: true, force: true });
  });

  async function opened(): Promise<void> {
    from = await mkdtemp(join(tmpdir(), 'from-'));
    const name = `t${++worlds}`;
    to = join(server.folder, name);
    await mkdir(to);
    world = createWorld(ledger.ledger, {
      selection: { kind: 'files', onConflict: 'newest' },
      systems: {
        old: { type: 'folder', options: { path: from } },
        new: {
          type: 'webdav',
          options: { url: `${line.url}/${name}/`, auth: { username: 'a', password: { env: 'X' } } },
        },
      },
    });
  }

  const source = async (path: string, content: string): Promise<void> => {
    await writeFile(join(from, path), content);
    await utimes(join(from, path), OLD, OLD);
  };
  const run = async (between = async (): Promise<void> => {}): Promise<Awaited<ReturnType<World['run']>>> => {
    for (let left = 9; ; left--) {
      try {
        return await world.run();
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'unavailable' || left === 0) throw error;
        await between();
      }
    }
  };

  it.each([4_000, 1_500_000])(
    'a file of %i bytes, new and then edited, arrives whole; what is seen is never half',
    async (bytes) => {
      await opened();
      const [first, second] = ['first '.repeat(bytes / 6), 'second '.repeat(bytes / 7)];
      await source('other', 'x');
      await run();
      const seen: string[] = [];
      for (const content of [first, second]) {
        await source('a', content);
        line.cutNext(1_000);
        const { cuts } = line;
        const result = await run(async () => {
          seen.push(await readFile(join(to, 'a'), 'utf8').catch(() => 'nothing'));
        });
        expect(line.cuts, 'it was cut').toBe(cuts + 1);
        expect(result).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0, conflicts: 0 } });
        expect((await readFile(join(to, 'a'), 'utf8')) === content).toBe(true);
      }
      expect(seen.filter((one) => one !== 'nothing' && one !== first)).toEqual([]);
      expect((await readdir(to)).sort()).toEqual(['a', 'other']);
    },
  );
});
