/** A run with nothing to do over many files. */
import { cp, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { giveAll } from '../tests/servers/apache.js';
import { createTable } from './dav-table.js';
import { startDrover } from './drover.js';
import type { FilesBench } from './files-first.js';
import { specOf } from './files-spec.js';
import type { Tree } from './files-trees.js';
import { requireAll } from './files-trees.js';

const RCLONE = 'rclone';

export async function compareReruns({ dir, servers, rclone, rounds }: FilesBench, tree: Tree): Promise<void> {
  const own = await mkdtemp(join(dir, 'again-'));
  const title = `nothing to do, ${tree.name} in ${tree.folders.length} folders`;
  console.log(`${title}: the first runs`);
  await servers.withTree('again', tree, (source) =>
    servers.withEmpty('theirs', (theirs) =>
      servers.withEmpty('ours', async (ours) => {
        // A copy as rclone leaves it behind: it compares sizes here, as this server lets nobody set a time.
        await cp(source.folder, theirs.folder, { recursive: true });
        await giveAll(theirs.folder);
        const drover = await startDrover(own);
        try {
          const spec = specOf('again', source, ours);
          const first = await drover.applySpec('again', spec);
          await requireAll(ours.folder, tree, 'drover');
          const rate = Math.round((tree.files.length / first.moveMs) * 1000);
          console.log(`  drover's first run moved ${rate} files a second, ${Math.round(first.wallMs / 1000)} s in all`);
          await rclone.copy(source, theirs);
          const table = createTable(title);
          for (let round = 0; round < rounds; round++) {
            table.seconds(RCLONE, await rclone.copy(source, theirs));
            const again = await drover.applySpec('again', spec);
            if (again.items !== 0) throw new Error(`the run with nothing to do wrote ${again.items} files`);
            table.seconds('drover, whole command', again.wallMs, { row: RCLONE, asked: 1 });
          }
          table.print();
          console.log(`  worker's peak memory: ${await drover.workerPeakMb()} MB`);
        } finally {
          await drover.stop();
        }
      }),
    ),
  );
}
