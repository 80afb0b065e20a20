/** Files and folders that a server tells of otherwise than it should: each by the story that showed what came of it. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { put, tree } from '../engine/file-tree.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { withOddFolder } from '../engine/odd-folder.js';
import { createWorld } from '../engine/world.js';
import { startApache } from '../servers/apache.js';
import { reply } from '../servers/dav-behaviours.js';
import type { DavServer } from '../servers/dav-server.js';
import type { FileWorld } from './file-world.js';
import { contentsOf, createFileWorld, LARGE } from './file-world.js';

let server: LedgerServer;
let apache: DavServer;

beforeAll(async () => {
  [server, apache] = await Promise.all([startLedger(), startApache({ users: ['anna'] })]);
});
afterAll(() => Promise.all([server?.stop(), apache?.stop()]));

async function inWorld(tell: (world: FileWorld) => Promise<void>, selection = {}): Promise<void> {
  const world = await createFileWorld(server.ledger, apache, selection);
  try {
    await tell(world);
  } finally {
    await world.close();
  }
}

it('a file that got the inode of a removed one of the same size and date is read, not renamed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'drover-c-'));
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
  const odd = withOddFolder({
    source: (plain) => ({
      ...plain,
      async *list(...asked) {
        for await (const { entries } of plain.list(...asked)) {
          // As file systems do that use inodes again; when a file was made they tell, too.
          const created = (key: string): string => `2026-01-0${key.charCodeAt(0) - 96}T00:00:00.000Z`;
          yield {
            entries: entries.map((one) => ({ ...one, meta: { ...one.meta, id: '7', created: created(one.key) } })),
          };
        }
      },
    }),
  });
  const world = createWorld(server.ledger, {
    selection: { kind: 'files' },
    connectors: odd,
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
  });
  const date = new Date('2001-09-09T01:46:40Z');
  await put(from, 'a', 'first content');
  await utimes(join(from, 'a'), date, date);
  await world.run();
  await rm(join(from, 'a'));
  await put(from, 'c', 'other content');
  await utimes(join(from, 'c'), date, date);
  await world.run();
  expect((await tree(to)).c).toBe('other content');
  await world.close();
  await rm(dir, { recursive: true });
});

it('an edit that was refused is made by retry', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'drover-t-'));
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
  await put(from, 'a', 'one');
  let refuse = false;
  const odd = withOddFolder({
    target: (plain) => ({
      ...plain,
      async *write(container, writes, signal) {
        for (const write of writes) {
          if (refuse && write.op === 'update') yield { refused: write.token, reason: 'no' };
          else yield* plain.write(container, [write], signal);
        }
      },
    }),
  });
  const world = createWorld(server.ledger, {
    selection: { kind: 'files' },
    connectors: odd,
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
  });
  await world.run();
  await put(from, 'a', 'two');
  refuse = true;
  expect(await world.run()).toMatchObject({ totals: { failures: 1 } });
  refuse = false;
  expect(await world.run({ reason: 'retry' })).toMatchObject({ state: 'done', totals: { verified: 1 } });
  expect((await tree(to)).a).toBe('two');
  await world.close();
  await rm(dir, { recursive: true });
});

it('a file in the way that may not be read is a conflict, and holds up nothing else', () =>
  inWorld(async (world) => {
    for (const name of ['a', 'b', 'secret', 'z']) await world.put(world.from, name);
    await world.put(world.to, 'secret', 'theirs');
    world.toTarget.add({
      when: ({ path, method }) => path.endsWith('/secret') && method === 'GET',
      reply: () => reply(403),
    });
    const { result } = await world.run();
    expect(result).toMatchObject({ totals: { verified: 3, conflicts: 1 } });
  }));

it('a written file that may not be read back is unsure, and holds up nothing else', () =>
  inWorld(async (world) => {
    for (const name of ['a', 'secret', 'z']) await world.put(world.from, name);
    world.toTarget.add({
      when: ({ path, method }) => path.endsWith('/secret') && method === 'GET',
      reply: () => reply(403),
    });
    const { result } = await world.run();
    expect(result).toMatchObject({ totals: { verified: 2, failures: 1, pending: 0 } });
  }));

it('parts that shrank before the last step are sent anew', () =>
  inWorld(async (world) => {
    await world.put(world.from, 'large.bin', randomBytes(LARGE));
    await world.put(world.from, 'small');
    let done = false;
    world.toTarget.add({
      when: ({ method, path, body }) => method === 'PUT' && path.endsWith('.part') && body.length > 1000,
      afterwards: async () => {
        if (done) return;
        done = true;
        await truncate(join(world.to, (await readdir(world.to)).find((n) => n.endsWith('.part')) as string), 1000);
      },
    });
    const { result } = await world.run();
    expect(result).toMatchObject({ state: 'done', totals: { verified: 2 } });
    expect(await contentsOf(world.to)).toEqual(await contentsOf(world.from));
  }));

it('an entry that the source names with 403 does not pass for deleted', () =>
  inWorld(
    async (world) => {
      for (const name of ['a', 'b', 'c']) await world.put(world.from, name);
      await world.run();
      world.toSource.add({
        when: ({ method, headers }) => method === 'PROPFIND' && headers.depth === '1',
        answer: ({ status, headers, body }) => ({
          status,
          headers,
          body: Buffer.from(
            body
              .toString()
              .replace(
                /(<D:href>[^<]*\/b<\/D:href>)[\s\S]*?<\/D:response>/,
                '$1<D:status>HTTP/1.1 403 Forbidden</D:status></D:response>',
              ),
          ),
        }),
      });
      expect((await world.run()).result).toMatchObject({ state: 'failed', totals: { failures: 1 } });
      expect(Object.keys(await contentsOf(world.to))).toContain('b');
    },
    { deletions: 'mirror', maxDeletions: 1 },
  ));

it('a folder that is listed and not found does not pass for empty', () =>
  inWorld(
    async (world) => {
      for (const name of ['a', 'C++/b', 'c']) await world.put(world.from, name);
      await world.run();
      world.toSource.add({ when: ({ path }) => path.includes('/C'), reply: () => reply(404) });
      expect((await world.run()).result).toMatchObject({ state: 'failed', totals: { failures: 1 } });
      expect(Object.keys(await contentsOf(world.to))).toContain('C++/b');
    },
    { deletions: 'mirror', maxDeletions: 1 },
  ));

it('one file that is of another size than listed is refused, and holds up nothing else', () =>
  inWorld(async (world) => {
    for (const name of ['a', 'b', 'cc']) await world.put(world.from, name);
    world.toSource.add({
      when: ({ method }) => method === 'PROPFIND',
      answer: ({ status, headers, body }) => ({
        status,
        headers: (({ 'content-length': _, ...rest }) => rest)(headers as Record<string, string>),
        body: Buffer.from(body.toString().replace(/<lp1:getcontentlength>2<\/lp1:getcontentlength>/g, '')),
      }),
    });
    const { result } = await world.run();
    expect(result).toMatchObject({ totals: { verified: 2, failures: 1, pending: 0 } });
  }));

it('a target whose folder was removed is not called whole again', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'drover-r-'));
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
  const systems = { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } };
  const world = createWorld(server.ledger, { selection: { kind: 'files' }, systems });
  for (const name of ['a', 'b', 'c']) await put(from, name, name);
  await world.run();
  await rm(to, { recursive: true });
  await put(from, 'd', 'd');
  await expect(world.run()).rejects.toThrow('its disk may not be mounted');
  await expect(tree(to)).rejects.toThrow('ENOENT');
  expect(await world.run({ reason: 'verify' })).toMatchObject({ state: 'failed', totals: { failures: 3 } });
  expect(await world.run({ reason: 'retry' })).toMatchObject({ state: 'done', totals: { verified: 4 } });
  expect(await tree(to)).toEqual({ a: 'a', b: 'b', c: 'c', d: 'd' });
  await world.close();
  await rm(dir, { recursive: true });
});
