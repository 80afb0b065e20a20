/**
 * Claims, from one Apache mod_dav into another: small files at least 1.5 times as fast as a current rclone with its pacer
 * off; large ones at least as fast, and at least 0.9 of a bare pipe from GET to PUT, digests included; a run with nothing to
 * do no slower than rclone's; the worker's memory at most 400 MB at any file size.
 *
 *   npm run bench -- files [--small 5000] [--large 256] [--rounds 3] [--idle 100000] [--killed 0]
 *
 * `--small`: files of 4 KiB, in 50 folders. `--large`: two files of so many MB, then one of eight times as many; the
 * servers' storage, in memory, needs room for twice that. `--idle`: files of a run with nothing to do. `--killed`:
 * a file of so many GiB on disk, whose worker is killed twice on the way. 0 leaves a case out. Takes the rclone that
 * `DROVER_BENCH_RCLONE` names, else the one on the path; Debian's 1.60 cannot turn its pacer off, so bring a current one:
 * `go install github.com/rclone/rclone@latest`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareReruns } from './files-again.js';
import type { FilesBench } from './files-first.js';
import { compareFirstRuns } from './files-first.js';
import { moveThroughKills } from './files-killed.js';
import type { FileServers } from './files-servers.js';
import { startFileServers } from './files-servers.js';
import { largeTree, smallTree } from './files-trees.js';
import { findRclone } from './rclone.js';

const { values } = parseArgs({
  options: {
    small: { type: 'string', default: '5000' },
    large: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '3' },
    idle: { type: 'string', default: '100000' },
    killed: { type: 'string', default: '0' },
  },
});
const small = Number(values.small);
const large = Number(values.large);
const idle = Number(values.idle);
const killed = Number(values.killed);

const rclone = await findRclone();
const dir = await mkdtemp(join(tmpdir(), 'drover-bench-'));
try {
  const servers = await startFileServers();
  // Gigabytes in memory must not outlive a run that somebody breaks off; drover's stack ends with this process by itself.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void breakOff(servers));
  try {
    console.log(`${rclone.words}; two Apaches, storage on ${servers.storage}`);
    const bench: FilesBench = { dir, servers, rclone, rounds: Number(values.rounds) };
    if (small > 0) {
      const tree = smallTree(small, 50, 4096);
      await compareFirstRuns(bench, { tree, unit: 'files', atOnce: [2, 4, 8, 16], asked: { rclone: 1.5 } });
    }
    if (large > 0) {
      const asked = { rclone: 1, loop: 0.9 };
      await compareFirstRuns(bench, { tree: largeTree(2, large), unit: 'MB', atOnce: [1, 2], asked });
      await compareFirstRuns(bench, { tree: largeTree(1, large * 8), unit: 'MB', atOnce: [1], asked });
    }
    if (idle > 0) await compareReruns(bench, smallTree(idle, 100, 64));
  } finally {
    await servers.stop();
  }
  if (killed > 0) await moveThroughKills(killed);
} finally {
  await rm(dir, { recursive: true, force: true });
}

async function breakOff(servers: FileServers): Promise<void> {
  await Promise.allSettled([servers.stop(), rm(dir, { recursive: true, force: true })]);
  process.exit(130);
}
