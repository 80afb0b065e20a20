/** A first run: rclone, the bare loop and drover take turns at one tree, each into an empty share. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from './dav-table.js';
import { createTable } from './dav-table.js';
import type { DroverStack } from './drover.js';
import { startDrover } from './drover.js';
import { getToPut } from './files-loop.js';
import type { FileServers, Share } from './files-servers.js';
import { specOf } from './files-spec.js';
import type { Tree } from './files-trees.js';
import { megabytes, requireAll } from './files-trees.js';
import type { Rclone } from './rclone.js';

export interface FilesBench {
  readonly dir: string;
  readonly servers: FileServers;
  readonly rclone: Rclone;
  readonly rounds: number;
}

export interface FirstRun {
  readonly tree: Tree;
  /** What is counted: files a second, or MB (of 1024 * 1024 bytes) a second. */
  readonly unit: 'files' | 'MB';
  /** How many files the loop has under way; its best counts. */
  readonly atOnce: readonly number[];
  /** What the move should reach of each. */
  readonly asked: { readonly rclone: number; readonly loop?: number };
}

const LOOP = 'bare GET-to-PUT loop, the best';
const RCLONE = 'rclone';

/** On a stack of its own: the memory told at the end is that of these runs. Round 0 warms up and does not count. */
export async function compareFirstRuns(bench: FilesBench, run: FirstRun): Promise<void> {
  const { tree, unit } = run;
  const title = `${tree.name}, ${unit} a second`;
  const dir = await mkdtemp(join(bench.dir, 'first-'));
  await bench.servers.withTree('first', tree, async (source) => {
    const drover = await startDrover(dir);
    try {
      const table = createTable(title);
      const contest: Contest = { ...bench, ...run, source, drover };
      for (let round = 0; round <= bench.rounds; round++) {
        console.log(round === 0 ? `${title}: warming up, not counted` : `${title}: round ${round} of ${bench.rounds}`);
        await playRound(contest, round === 0 ? createTable('') : table, round);
      }
      table.print();
      console.log(`  worker's peak memory: ${await drover.workerPeakMb()} MB`);
    } finally {
      await drover.stop();
    }
  });
}

interface Contest extends FilesBench, FirstRun {
  readonly source: Share;
  readonly drover: DroverStack;
}

async function playRound(contest: Contest, table: Table, round: number): Promise<void> {
  const { servers, tree, source, unit, asked, atOnce } = contest;
  const amount = unit === 'files' ? tree.files.length : megabytes(tree);
  const into = (who: string, use: (target: Share) => Promise<number>): Promise<number> =>
    servers.withEmpty('copy', async (target) => {
      const ms = await use(target);
      await requireAll(target.folder, tree, who);
      return ms;
    });
  table.rate(RCLONE, amount, await into(RCLONE, (target) => contest.rclone.copy(source, target)));
  let best = Number.POSITIVE_INFINITY;
  for (const files of atOnce) {
    const ms = await into('the loop', (target) => getToPut(source, target, tree, files));
    if (atOnce.length > 1) table.rate(`bare GET-to-PUT loop, ${files} at once`, amount, ms);
    best = Math.min(best, ms);
  }
  table.rate(LOOP, amount, best);
  await servers.withEmpty(`ours-${round}`, (target) => ours(contest, table, round, target, amount, asked));
}

async function ours(
  { drover, source, tree }: Contest,
  table: Table,
  round: number,
  target: Share,
  amount: number,
  asked: FirstRun['asked'],
): Promise<void> {
  const name = `bench-${round}`;
  const times = await drover.applySpec(name, specOf(name, source, target));
  await requireAll(target.folder, tree, 'drover');
  const items = tree.files.length + tree.folders.length;
  if (times.verified !== items) throw new Error(`drover, ${tree.name}: ${times.verified} of ${items} items verified`);
  table.rate('drover, move', amount, times.moveMs, { row: RCLONE, asked: asked.rclone });
  table.rate('drover, move, beside the loop', amount, times.moveMs, {
    row: LOOP,
    ...(asked.loop !== undefined && { asked: asked.loop }),
  });
  table.rate('drover, proof (all read back)', amount, times.verifyMs);
  table.rate('drover, whole command with proof', amount, times.wallMs, { row: RCLONE });
}
