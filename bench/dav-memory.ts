/** The worker's peak memory for one first run, from Radicale into a vdir, on a stack of its own. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { startBenchServer } from './dav-servers.js';
import { count, makeShelves } from './dav-shelves.js';
import { specOf, vdir } from './dav-specs.js';
import { startDrover } from './drover.js';

export async function measureMemory(dir: string, items: number, collections: number): Promise<void> {
  const shelves = makeShelves(items, collections);
  const own = await mkdtemp(join(dir, 'memory-'));
  const server = await startBenchServer('radicale', shelves, 0);
  try {
    const drover = await startDrover(own);
    try {
      const spec = specOf('memory', server.source, vdir(join(own, 'vdir')));
      const { verified, moveMs } = await drover.applySpec('memory', spec);
      if (verified !== count(shelves)) throw new Error(`${verified} of ${count(shelves)} items verified`);
      const peak = await drover.workerPeakMb();
      const rate = Math.round((verified / moveMs) * 1000);
      console.log(`${verified} items, Radicale to vdir: worker's peak memory ${peak} MB; moved ${rate} a second`);
    } finally {
      await drover.stop();
    }
  } finally {
    await server.stop();
  }
}
