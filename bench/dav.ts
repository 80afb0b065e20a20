/**
 * Claims: into a DAV server at least 0.9 of a bare loop of concurrent PUTs on the same server in the same run; into a vdir
 * and PostgreSQL at least 5 times vdirsyncer into a vdir; a run with nothing to do at least 10 times as fast as
 * vdirsyncer's.
 *
 *   npm run bench -- dav [--items 10000] [--collections 40] [--rounds 1] [--at-once 4]
 *
 * Half of the items are events, half contacts. Radicale under gunicorn with threads: its own server fails vdirsyncer.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { card } from '../tests/conformance/odd-cards.js';
import { event } from '../tests/conformance/odd-events.js';
import { startRadicale } from '../tests/servers/radicale.js';
import { fillRadicale } from '../tests/servers/radicale-files.js';
import type { DroverStack, DroverTimes } from './drover.js';
import { startDrover } from './drover.js';
import type { Shelf } from './put-loop.js';
import { putLoop } from './put-loop.js';
import type { VdirsyncerJob } from './vdirsyncer.js';
import { discover, sync } from './vdirsyncer.js';

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '10000' },
    collections: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '4' },
  },
});
const items = Number(values.items);
const collections = Number(values.collections);
const rounds = Number(values.rounds);

const shelves: Shelf[] = Array.from({ length: collections }, (_, at) => {
  const tag = at % 2 === 0 ? ('VCALENDAR' as const) : ('VADDRESSBOOK' as const);
  const each = Math.floor(items / collections);
  return {
    name: `${tag === 'VCALENDAR' ? 'calendar' : 'book'}${at}`,
    tag,
    items: Array.from({ length: each }, (_, n) => {
      const number = at * each + n;
      return tag === 'VCALENDAR'
        ? ([`${number}.ics`, event(number)] as const)
        : ([`${number}.vcf`, card(number)] as const);
    }),
  };
});
const total = shelves.reduce((sum, shelf) => sum + shelf.items.length, 0);
const contacts = shelves.reduce((sum, shelf) => sum + (shelf.tag === 'VADDRESSBOOK' ? shelf.items.length : 0), 0);

const dir = await mkdtemp(join(tmpdir(), 'drover-bench-'));
const users = [
  'src',
  ...['loop', 'peer', 'ours'].flatMap((who) => Array.from({ length: rounds }, (_, n) => `${who}${n}`)),
];
const server = await startRadicale({ users, gunicorn: true });
const drover = await startDrover(dir);
const rates = new Map<string, number[]>();
const seconds = new Map<string, number[]>();
try {
  for (const { name, tag, items: bodies } of shelves) fillRadicale(server, 'src', name, tag, bodies);
  console.log(`${total} items (${contacts} contacts) in ${collections} collections, Radicale under gunicorn`);
  // Radicale parses what it has not served yet, and keeps the result: nobody should pay for that alone.
  const warm: VdirsyncerJob = {
    dir,
    name: 'warm',
    source: { url: server.url, user: 'src' },
    target: { folder: join(dir, 'warm-vdir') },
    kinds: ['calendar', 'contacts'],
  };
  await discover(warm);
  await sync(warm);
  for (let round = 0; round < rounds; round++) {
    add(rates, 'bare PUT loop', total, await putLoop(server.url, `loop${round}`, shelves, Number(values['at-once'])));
    await peer(
      `dav-${round}`,
      { url: server.url, user: `peer${round}` },
      ['calendar', 'contacts'],
      'vdirsyncer, DAV to DAV',
      total,
    );
    await ours(`dav-${round}`, davTargets(`ours${round}`), ['calendar', 'contacts'], 'drover, DAV to DAV', total);
    await peer(
      `vdir-${round}`,
      { folder: join(dir, `peer-vdir-${round}`) },
      ['calendar', 'contacts'],
      'vdirsyncer, DAV to vdir',
      total,
    );
    await ours(
      `vdir-${round}`,
      vdirTargets(join(dir, `ours-vdir-${round}`)),
      ['calendar', 'contacts'],
      'drover, DAV to vdir',
      total,
    );
    await peer(
      `cards-${round}`,
      { folder: join(dir, `peer-cards-${round}`) },
      ['contacts'],
      'vdirsyncer, contacts to vdir',
      contacts,
    );
    await ours(
      `postgres-${round}`,
      await postgresTarget(drover, round),
      ['contacts'],
      'drover, contacts to PostgreSQL',
      contacts,
    );
  }
  print();
} finally {
  await drover.stop();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}

async function peer(
  name: string,
  target: VdirsyncerJob['target'],
  kinds: VdirsyncerJob['kinds'],
  row: string,
  count: number,
): Promise<void> {
  const job = { dir, name: `peer-${name}`, source: { url: server.url, user: 'src' }, target, kinds };
  add(rates, row, count, (await discover(job)) + (await sync(job)));
  add(seconds, `${row}, again`, 1000, await sync(job));
}

async function ours(
  name: string,
  targets: string,
  kinds: readonly ('calendar' | 'contacts')[],
  row: string,
  count: number,
): Promise<void> {
  const spec = specOf(`bench-${name}`, targets, kinds);
  const first = await drover.applySpec(`bench-${name}`, spec);
  if (first.verified !== count) throw new Error(`${row}: ${first.verified} of ${count} verified`);
  console.log(`${row}: ${told(first)}`);
  add(rates, `${row}, move`, count, first.moveMs);
  add(rates, `${row}, whole command with proof`, count, first.wallMs);
  const again = await drover.applySpec(`bench-${name}`, spec);
  if (again.items !== 0) throw new Error(`${row}: the run with nothing to do wrote ${again.items}`);
  add(seconds, `${row}, again`, 1000, again.wallMs);
}

function told({ wallMs, moveMs, verifyMs }: DroverTimes): string {
  return `command ${Math.round(wallMs)} ms, survey and move ${Math.round(moveMs)} ms, verify ${Math.round(verifyMs)} ms`;
}

function specOf(name: string, targets: string, kinds: readonly ('calendar' | 'contacts')[]): string {
  const source = (type: string): string =>
    `{ type: ${type}, url: "${server.url}", auth: { username: src, password: { env: DROVER_BENCH_PASSWORD } } }`;
  const selections = kinds.map(
    (kind) => `  - { name: ${kind}, kind: ${kind}, from: ${kind}, to: ${kind}, accounts: [{ from: src, to: target }] }`,
  );
  const sources = kinds.map((kind) => `  ${kind}: ${source(kind === 'calendar' ? 'caldav' : 'carddav')}`);
  return `version: 1\nname: ${name}\nsources:\n${sources.join('\n')}\ntargets:\n${targets}\nselections:\n${selections.join('\n')}\n`;
}

function davTargets(user: string): string {
  const system = (type: string): string =>
    `{ type: ${type}, url: "${server.url}", auth: { username: ${user}, password: { env: DROVER_BENCH_PASSWORD } } }`;
  return `  calendar: ${system('caldav')}\n  contacts: ${system('carddav')}`;
}

function vdirTargets(folder: string): string {
  return `  calendar: { type: vdir, path: "${folder}/calendar" }\n  contacts: { type: vdir, path: "${folder}/contacts" }`;
}

/** Into the very server that holds the ledger, in a table of its own. */
async function postgresTarget({ dev }: DroverStack, round: number): Promise<string> {
  const url = new URL(dev.stack.ledgerUrl);
  const secret = join(dir, 'database-password');
  await writeFile(secret, decodeURIComponent(url.password));
  return `  contacts: { type: postgres, host: "${url.hostname}", port: ${url.port}, database: ${url.pathname.slice(1)}, tls: none, table: people${round}, auth: { username: ${decodeURIComponent(url.username)}, password: { file: "${secret}" } } }`;
}

/** `of` items in `ms`, as a rate; with 1000 the inverse of seconds. */
function add(rows: Map<string, number[]>, row: string, of: number, ms: number): void {
  const value = rows === seconds ? ms / of : (of / ms) * 1000;
  rows.set(row, [...(rows.get(row) ?? []), value]);
  console.log(`${row}: ${value.toFixed(rows === seconds ? 2 : 0)} ${rows === seconds ? 's' : 'a second'}`);
}

function print(): void {
  console.log('\nitems a second, median of the rounds; ratio to what it is compared with, round by round');
  const against: Readonly<Record<string, string>> = {
    'drover, DAV to DAV, move': 'bare PUT loop',
    'drover, DAV to DAV, whole command with proof': 'vdirsyncer, DAV to DAV',
    'drover, DAV to vdir, move': 'vdirsyncer, DAV to vdir',
    'drover, DAV to vdir, whole command with proof': 'vdirsyncer, DAV to vdir',
    'drover, contacts to PostgreSQL, move': 'vdirsyncer, contacts to vdir',
    'drover, contacts to PostgreSQL, whole command with proof': 'vdirsyncer, contacts to vdir',
  };
  for (const [row, values] of rates) {
    const peers = against[row] === undefined ? undefined : rates.get(against[row]);
    const ratios = peers && values.map((value, n) => value / (peers[n] as number));
    console.log(
      `  ${row.padEnd(58)} ${median(values).toFixed(0).padStart(7)}   ${ratios ? `${ratios.map((r) => r.toFixed(2)).join(', ')} of ${against[row]}` : ''}`,
    );
  }
  console.log('\nwith nothing to do, seconds; times faster than vdirsyncer');
  for (const [row, values] of seconds) {
    const peer = seconds.get(row.replace('drover', 'vdirsyncer').replace('contacts to PostgreSQL', 'contacts to vdir'));
    const ratios = row.startsWith('drover') && peer ? values.map((value, n) => (peer[n] as number) / value) : undefined;
    console.log(
      `  ${row.padEnd(58)} ${median(values).toFixed(2).padStart(7)}   ${ratios ? ratios.map((r) => r.toFixed(1)).join(', ') : ''}`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
