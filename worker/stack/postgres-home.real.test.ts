import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { preparePostgresHome } from './postgres-home.js';
import { startPostgresServer } from './postgres-server.js';

let home: string;
let outside: string;
const signal = new AbortController().signal;
const log = () => undefined;
const isRoot = process.getuid?.() === 0;

beforeEach(async () => {
  // mkdtemp makes folders of mode 700, as a home folder is.
  home = await mkdtemp(join(tmpdir(), 'drover-home-'));
  outside = await mkdtemp(join(tmpdir(), 'drover-outside-'));
  await chmod(outside, 0o755);
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
  await rm(outside, { recursive: true, force: true });
});

it('runs in a home folder that only its owner may enter', async () => {
  const dir = join(home, '.drover');
  await mkdir(dir, { mode: 0o711 });

  const postgres = await preparePostgresHome({ dir, log, outside });
  const running = await startPostgresServer({ home: postgres, dir, env: process.env, signal });
  await running.server.stop();
  const again = await preparePostgresHome({ dir, log, outside });

  // As root the user postgres cannot pass through the home folder; as anybody else it is our own.
  expect(dirname(dirname(postgres.data))).toBe(isRoot ? outside : dir);
  expect(again.data).toBe(postgres.data);
  expect(again.created).toBe(true);
});

it('removes a ledger outside whose state folder is gone, and no other', async () => {
  const kept = join(home, 'kept');
  const lost = join(home, 'lost');
  for (const dir of [kept, lost]) {
    await mkdir(dir);
    await preparePostgresHome({ dir, log, outside });
  }
  await rm(lost, { recursive: true });

  await mkdir(lost);
  const fresh = await preparePostgresHome({ dir: lost, log, outside });

  const expected = isRoot
    ? [dirname(fresh.data), dirname((await preparePostgresHome({ dir: kept, log, outside })).data)]
    : [];
  expect(
    (await readdir(outside))
      .filter((name) => name.startsWith('ledger-'))
      .map((name) => join(outside, name))
      .sort(),
  ).toEqual(expected.sort());
});

it('does not begin again with an empty ledger when the old one is gone', async () => {
  const dir = join(home, '.drover');
  await mkdir(dir, { mode: 0o711 });
  const first = await preparePostgresHome({ dir, log, outside });
  await (await startPostgresServer({ home: first, dir, env: process.env, signal })).server.stop();

  await rm(first.data, { recursive: true });

  const second = await preparePostgresHome({ dir, log, outside });
  await expect(startPostgresServer({ home: second, dir, env: process.env, signal })).rejects.toThrow(
    /the ledger that was in .* is gone/,
  );
});

it('gives programs that the owner of the data can execute', async () => {
  const dir = join(home, '.drover');
  await mkdir(dir);

  const { programs, owner } = await preparePostgresHome({ dir, log, outside });

  const version = spawnSync(join(programs, 'postgres'), ['--version'], { cwd: '/', ...owner });
  expect(version.stdout.toString()).toMatch(/^postgres \(PostgreSQL\) \d+/);
});
