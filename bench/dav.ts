/**
 * Claims: into a DAV server at least 0.9 of a bare loop of concurrent PUTs on the same server in the same run; into a vdir
 * and PostgreSQL at least 5 times vdirsyncer into a vdir; a run with nothing to do at least 10 times as fast as
 * vdirsyncer's; the worker's memory flat from 1,000 to 50,000 items.
 *
 *   npm run bench -- dav [--servers radicale,xandikos] [--items 10000] [--collections 40] [--rounds 1]
 *                        [--at-once 1,2,4,8] [--memory 1000,50000]
 *
 * Half of the items are events, half contacts. The loop's best of `--at-once` counts: the first round tries all of them,
 * later ones the best. `--items 0` measures memory alone. 10,000 items take some 15 minutes a server and round;
 * `--items 1000` shows in two that everything works.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureMemory } from './dav-memory.js';
import type { BenchServer, BenchServerName } from './dav-servers.js';
import { benchServers, startBenchServer } from './dav-servers.js';
import type { Shelf } from './dav-shelves.js';
import { count, makeShelves } from './dav-shelves.js';
import type { Kind, Systems } from './dav-specs.js';
import { bothKinds, dav, postgres, specOf, vdir } from './dav-specs.js';
import type { Against, Table } from './dav-table.js';
import { createTable } from './dav-table.js';
import type { DroverStack } from './drover.js';
import { startDrover } from './drover.js';
import { putLoop } from './put-loop.js';
import type { VdirsyncerJob } from './vdirsyncer.js';
import { discover, sync } from './vdirsyncer.js';

const LOOP = 'bare PUT loop, the best';

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: benchServers.join(',') },
    items: { type: 'string', default: '10000' },
    collections: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '1,2,4,8' },
    memory: { type: 'string', default: '' },
  },
});
const numbers = (list: string): number[] => list.split(',').filter(Boolean).map(Number);
const servers = values.servers.split(',').filter(Boolean) as BenchServerName[];
const wrong = servers.find((name) => !benchServers.includes(name));
if (wrong !== undefined) throw new Error(`--servers does not know ${wrong}: say ${benchServers.join(' or ')}`);
const collections = Number(values.collections);
const rounds = Number(values.rounds);
const atOnce = numbers(values['at-once']);

const dir = await mkdtemp(join(tmpdir(), 'drover-bench-'));
try {
  const shelves = makeShelves(Number(values.items), collections);
  if (count(shelves) > 0) for (const name of servers) await compare(name, shelves);
  for (const items of numbers(values.memory)) await measureMemory(dir, items, collections);
} finally {
  await rm(dir, { recursive: true, force: true });
}

/** What one server's rounds need. */
interface Bench {
  readonly dir: string;
  readonly server: BenchServer;
  readonly shelves: readonly Shelf[];
  readonly drover: DroverStack;
  readonly table: Table;
}

async function compare(name: BenchServerName, shelves: readonly Shelf[]): Promise<void> {
  const own = join(dir, name);
  await mkdir(own);
  // Each round: the loops, vdirsyncer and drover.
  const server = await startBenchServer(name, shelves, rounds * (atOnce.length + 2));
  try {
    const drover = await startDrover(own);
    try {
      const table = createTable(server.name);
      const bench: Bench = { dir: own, server, shelves, drover, table };
      console.log(
        `${server.name}: ${count(shelves)} items (${count(shelves, 'VADDRESSBOOK')} contacts) in ${shelves.length} collections`,
      );
      await warmUp(bench);
      let loops = atOnce;
      for (let round = 0; round < rounds; round++) {
        loops = [await bestLoop(bench, loops)];
        await intoDav(bench, round);
        await intoVdir(bench, round);
        await intoPostgres(bench, round);
      }
      table.print();
    } finally {
      await drover.stop();
    }
  } finally {
    await server.stop();
  }
}

/** Radicale parses what it has not served yet, and keeps the result; a worker's code is compiled as it runs. */
async function warmUp({ dir, server, drover }: Bench): Promise<void> {
  const target = { folder: join(dir, 'warm-peer') };
  const job: VdirsyncerJob = { dir, name: 'warm', source: server.source, target, kinds: bothKinds };
  await discover(job);
  await sync(job);
  await drover.applySpec('warm', specOf('warm', server.source, vdir(join(dir, 'warm-ours'))));
}

/** How many at once was best. */
async function bestLoop({ server, shelves, table }: Bench, loops: readonly number[]): Promise<number> {
  let best = { atOnce: 0, ms: Number.POSITIVE_INFINITY };
  for (const atOnce of loops) {
    const ms = await server.withEmpty((account) => putLoop(account, shelves, atOnce));
    if (loops.length > 1) table.rate(`bare PUT loop, ${atOnce} at once`, count(shelves), ms);
    if (ms < best.ms) best = { atOnce, ms };
  }
  table.rate(LOOP, count(shelves), best.ms);
  return best.atOnce;
}

async function intoDav(bench: Bench, round: number): Promise<void> {
  const { server } = bench;
  const row = 'DAV to DAV';
  await server.withEmpty((account) => peer(bench, `dav-${round}`, account, bothKinds, row));
  await server.withEmpty((account) =>
    ours(bench, `dav-${round}`, dav(account), row, { row: LOOP, asked: 0.9 }, { row: `vdirsyncer, ${row}` }),
  );
}

async function intoVdir(bench: Bench, round: number): Promise<void> {
  const row = 'DAV to vdir';
  await peer(bench, `vdir-${round}`, { folder: join(bench.dir, `peer-vdir-${round}`) }, bothKinds, row);
  const against = { row: `vdirsyncer, ${row}`, asked: 5 };
  await ours(bench, `vdir-${round}`, vdir(join(bench.dir, `ours-vdir-${round}`)), row, against, against);
}

async function intoPostgres(bench: Bench, round: number): Promise<void> {
  const row = 'contacts to vdir';
  const target = await postgres(bench.drover, bench.dir, `people${round}`);
  await peer(bench, `cards-${round}`, { folder: join(bench.dir, `peer-cards-${round}`) }, ['contacts'], row);
  const against = { row: `vdirsyncer, ${row}`, asked: 5 };
  await ours(bench, `postgres-${round}`, target, 'contacts to PostgreSQL', against, against);
}

async function peer(
  { dir, server, shelves, table }: Bench,
  name: string,
  target: VdirsyncerJob['target'],
  kinds: readonly Kind[],
  row: string,
): Promise<void> {
  const job: VdirsyncerJob = { dir, name: `peer-${name}`, source: server.source, target, kinds };
  table.rate(`vdirsyncer, ${row}`, countOf(shelves, kinds), (await discover(job)) + (await sync(job)));
  table.seconds(`vdirsyncer, ${row}, again`, await sync(job));
}

/** `move` and `whole`: what the move alone, and the whole command, are compared with; a rerun with the latter's rerun. */
async function ours(
  { server, shelves, drover, table }: Bench,
  name: string,
  targets: Systems,
  row: string,
  move: Against,
  whole: Against,
): Promise<void> {
  const spec = specOf(`bench-${name}`, server.source, targets);
  const items = countOf(shelves, Object.keys(targets) as Kind[]);
  const first = await drover.applySpec(`bench-${name}`, spec);
  if (first.verified !== items) throw new Error(`${row}: ${first.verified} of ${items} verified`);
  table.rate(`drover, ${row}, move`, items, first.moveMs, move);
  table.rate(`drover, ${row}, whole command with proof`, items, first.wallMs, whole);
  const again = await drover.applySpec(`bench-${name}`, spec);
  if (again.items !== 0) throw new Error(`${row}: the run with nothing to do wrote ${again.items}`);
  table.seconds(`drover, ${row}, again`, again.wallMs, { row: `${whole.row}, again`, asked: 10 });
}

function countOf(shelves: readonly Shelf[], kinds: readonly Kind[]): number {
  return kinds.reduce((sum, kind) => sum + count(shelves, kind === 'calendar' ? 'VCALENDAR' : 'VADDRESSBOOK'), 0);
}
