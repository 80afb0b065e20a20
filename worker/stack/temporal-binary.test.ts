import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findTemporal } from './temporal-binary.js';

let home: string;
const { signal } = new AbortController();
const lines: string[] = [];
const log = (line: string) => void lines.push(line);

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'drover-temporal-'));
  lines.length = 0;
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function program(...path: string[]): Promise<string> {
  const file = join(home, ...path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '#!/bin/sh\n');
  await chmod(file, 0o755);
  return file;
}

it('takes the first of TEMPORAL_CLI_PATH, the PATH and the cache folder', async () => {
  const named = await program('named');
  const onPath = await program('bin', 'temporal');
  const cached = await program('cache', 'drover', 'bin', 'temporal');
  const PATH = ['/nowhere', join(home, 'bin')].join(delimiter);
  const cache = { XDG_CACHE_HOME: join(home, 'cache') };

  expect(await findTemporal({ TEMPORAL_CLI_PATH: named, PATH, ...cache }, log, signal)).toEqual({
    path: named,
    from: 'TEMPORAL_CLI_PATH',
  });
  expect(await findTemporal({ PATH, ...cache }, log, signal)).toEqual({ path: onPath, from: 'the PATH' });
  expect(await findTemporal({ PATH: '/nowhere', ...cache }, log, signal)).toEqual({
    path: cached,
    from: 'the cache folder',
  });
  expect(lines).toEqual([]);
});

it('finds in the cache folder what the SDK downloaded', async () => {
  const downloaded = await program('.cache', 'drover', 'bin', 'temporal-cli-drover-v1.5.1');

  expect((await findTemporal({ HOME: home, PATH: '/nowhere' }, log, signal)).path).toBe(downloaded);
});

it('does not take another program when the one it was told is missing', async () => {
  await program('.cache', 'drover', 'bin', 'temporal');

  await expect(findTemporal({ HOME: home, TEMPORAL_CLI_PATH: join(home, 'typo') }, log, signal)).rejects.toThrow(
    /TEMPORAL_CLI_PATH names .*typo, which cannot be executed/,
  );
});

it('says what it tried, and what to install, when there is no way', async () => {
  // A proxy that nobody runs: no download succeeds, whatever network the test has. No Go on this PATH.
  const nowhere = {
    HTTPS_PROXY: 'http://127.0.0.1:1',
    https_proxy: 'http://127.0.0.1:1',
    ALL_PROXY: 'http://127.0.0.1:1',
  };

  await expect(findTemporal({ HOME: home, PATH: '/nowhere', ...nowhere }, log, signal)).rejects.toThrow(
    /install the command `temporal` .* \(a download by Temporal's SDK: .*; a build with Go: running go: .*ENOENT/,
  );
  expect(lines).toContain("Temporal's dev server is not here yet: trying a build with Go");
});
