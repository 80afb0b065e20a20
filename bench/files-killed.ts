/**
 * One huge file, whose worker is killed twice on the way: what was acknowledged is not sent again, by the target's own
 * log, and what arrived is read back. A sparse file on the disk of this machine; the copy takes its whole size there.
 */
import { chmod, mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Ledger } from '../ledger/ledger.js';
import { openLedger } from '../ledger/ledger.js';
import { give, startApache } from '../tests/servers/apache.js';
import type { DroverStack } from './drover.js';
import { startDrover } from './drover.js';
import { specOf } from './files-spec.js';

const GIB = 1024 ** 3;
const USER = 'bench';
const NAME = 'disk image.raw';

/** Throws unless the file arrives, proven, though its worker was killed at a third and at two thirds of it. */
export async function moveThroughKills(gibibytes: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-bench-'));
  // The servers run as somebody else.
  await chmod(dir, 0o755);
  const ends: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  try {
    const log = join(dir, 'puts.log');
    const config = `CustomLog ${log} "%m %>s %{Content-Range}i"`;
    const [source, target] = [
      await startApache({ users: [USER], below: dir }),
      await startApache({ users: [USER], below: dir, config }),
    ];
    ends.push(source.stop, target.stop);
    await writeSparse(join(source.folder, USER, NAME), gibibytes);
    const drover = await startDrover(dir);
    ends.push(drover.stop);
    const ledger = openLedger(drover.dev.stack.ledgerUrl);
    ends.push(() => ledger.close());
    const side = ({ url, folder }: typeof source) => ({
      url: `${url}/${USER}/`,
      user: USER,
      folder: join(folder, USER),
    });
    const bytes = gibibytes * GIB;
    console.log(`1 x ${gibibytes} GiB, the worker killed twice`);
    const over = new AbortController();
    const [times, kills] = await Promise.all([
      drover.applySpec('huge', specOf('huge', side(source), side(target))).finally(() => over.abort()),
      killTwice(drover, ledger, bytes, over.signal),
    ]);
    const arrived = (await stat(join(target.folder, USER, NAME))).size;
    if (kills !== 2 || times.verified !== 1 || arrived !== bytes) {
      throw new Error(`${kills} kills, ${times.verified} of 1 verified, ${arrived} of ${bytes} bytes`);
    }
    const puts = (await readFile(log, 'utf8')).split('\n').filter((line) => line.endsWith(`/${bytes}`));
    const stored = puts.filter((line) => line.startsWith('PUT 2'));
    const rate = (ms: number): number => Math.round(bytes / 1024 / 1024 / (ms / 1000));
    console.log(`  parts: ${new Set(stored.map((line) => line.slice(8))).size}, stored ${stored.length} times in all`);
    console.log(`  sent ${puts.length} times, those included that a kill cut`);
    console.log(`  move ${rate(times.moveMs)} MB a second, proof ${rate(times.verifyMs)}`);
    console.log(`  the last worker's peak memory: ${await drover.workerPeakMb()} MB`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** Words here and there, so that its parts differ. */
async function writeSparse(path: string, gibibytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < gibibytes * 16; at++) await file.write(`part ${at}`, at * (GIB / 16) + at * 12_345);
    await file.truncate(gibibytes * GIB);
  } finally {
    await file.close();
  }
  await give(path);
}

/** At a third, and at two thirds. Answers how often. */
async function killTwice(drover: DroverStack, ledger: Ledger, bytes: number, over: AbortSignal): Promise<number> {
  for (let kills = 0; kills < 2; kills++) {
    for (let sent = 0; sent <= (bytes / 3) * (kills + 1); sent = await acknowledged(ledger)) {
      if (over.aborted) return kills;
      await wait(200);
    }
    process.kill(drover.dev.workerPid() as number, 'SIGKILL');
  }
  return 2;
}

async function acknowledged(ledger: Ledger): Promise<number> {
  const { rows } = await ledger.pool.query<{ bytes: number }>(
    'select coalesce(sum(bytes), 0)::float8 as bytes from upload_part',
  );
  return rows[0]?.bytes ?? 0;
}
