/**
 * Claims: over 2 million settled items a run with nothing to do, or with one that changed, takes the ledger less than a
 * second, and over 10 million at most 1.2 times that; nothing in the worker grows with them.
 *
 *   npm run bench -- scale [--items 2000000] [--kinds mail,contacts,files] [--units 1] [--containers 1] [--slow 20]
 *
 * The systems on both sides hold nothing (tests/engine/vast-system.ts), so what is measured is the engine and the ledger.
 * `--items` are all of them, in `--units` units of `--containers` containers. Plans of statements that took longer than
 * `--slow` milliseconds are kept in `bench-scale/`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openLedger } from '../ledger/ledger.js';
import { migrateLedger } from '../ledger/migrate.js';
import { writeSettledItems } from '../tests/engine/settled-items.js';
import type { VastKind, VastSystem } from '../tests/engine/vast-system.js';
import { createVastSystem } from '../tests/engine/vast-system.js';
import type { World } from '../tests/engine/world.js';
import { createWorld } from '../tests/engine/world.js';
import type { MeteredPostgres, Statement } from './scale-postgres.js';
import { startMeteredPostgres } from './scale-postgres.js';

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '2000000' },
    kinds: { type: 'string', default: 'mail,contacts,files' },
    units: { type: 'string', default: '1' },
    containers: { type: 'string', default: '1' },
    slow: { type: 'string', default: '20' },
    out: { type: 'string', default: 'bench-scale' },
  },
});
const units = Number(values.units);
const containers = Number(values.containers);
const items = Number(values.items);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

for (const kind of values.kinds.split(',') as VastKind[]) await measureKind(kind);

async function measureKind(kind: VastKind): Promise<void> {
  const each = Math.round(items / units / (kind === 'files' ? 1 : containers));
  const postgres = await startMeteredPostgres(Number(values.slow));
  const ledger = openLedger(postgres.url);
  const system = createVastSystem({ kind, accounts: units, containers });
  const world = createWorld(ledger, {
    connectors: system.connectors,
    systems: { old: { type: 'vast', options: {} }, new: { type: 'vast', options: {} } },
    selection: { kind, deletions: 'mirror', accounts: [...system.accounts] },
  });
  try {
    await migrateLedger(ledger);
    await toTheEnd(world);
    const began = performance.now();
    await writeSettledItems(ledger, { migration: world.spec.name, kind, items: each });
    system.fill(each);
    console.log(
      `\n${kind}: ${items} items in ${units} units of ${kind === 'files' ? 1 : containers} containers, written in ${seconds(performance.now() - began)} s`,
    );
    console.log('| run | database ms | slowest ms | statements | rows | pages | heap MB | shown | wall s |');
    console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
    const step = (name: string, before: () => void) => measure({ kind, name, world, system, postgres }, before);
    await step('nothing to do, first', () => {});
    await step('nothing to do', () => {});
    await step('one changed', () => system.change({ change: 'upsert', item: system.item(7, 'v2') }));
    await step('one new', () => system.change({ change: 'upsert', item: system.item(each + 1, 'v1') }));
    await step('one gone, mirrored', () => system.change({ change: 'gone', key: system.item(9, 'v1').key }));
    await step('nothing to do, after', () => {});
  } finally {
    await world.close();
    await ledger.close();
    await postgres.stop();
  }
}

interface Measured {
  readonly kind: VastKind;
  readonly name: string;
  readonly world: World;
  readonly system: VastSystem;
  readonly postgres: MeteredPostgres;
}

async function measure({ kind, name, world, system, postgres }: Measured, before: () => void): Promise<void> {
  before();
  await postgres.spent();
  await postgres.slowPlans();
  const asked = system.shown.references;
  collectGarbage();
  const heap = process.memoryUsage().heapUsed;
  let peak = heap;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().heapUsed);
  }, 5);
  const began = performance.now();
  await toTheEnd(world);
  const wall = performance.now() - began;
  clearInterval(timer);
  const spent = await postgres.spent();
  const row = [
    name,
    sum(spent, 'ms').toFixed(0),
    (spent[0]?.ms ?? 0).toFixed(0),
    sum(spent, 'calls'),
    sum(spent, 'rows'),
    sum(spent, 'buffers'),
    ((peak - heap) / 2 ** 20).toFixed(0),
    system.shown.references - asked,
    seconds(wall),
  ];
  console.log(`| ${row.join(' | ')} |`);
  await keep(`${kind}-${items}-${name.replaceAll(/[^a-z]+/g, '-')}`, spent, await postgres.slowPlans());
}

/** The statements that took most, and the plans of the slow ones, beside each other. */
async function keep(name: string, spent: readonly Statement[], plans: string): Promise<void> {
  await mkdir(values.out, { recursive: true });
  const lines = spent
    .slice(0, 40)
    .map(
      ({ ms, calls, rows, buffers, text }) =>
        `${ms.toFixed(1)} ms, ${calls} calls, ${rows} rows, ${buffers} pages: ${text}`,
    );
  await writeFile(join(values.out, `${name}.txt`), `${lines.join('\n\n')}\n\n${plans}`);
}

function sum(spent: readonly Statement[], what: 'ms' | 'calls' | 'rows' | 'buffers'): number {
  return spent.reduce((all, one) => all + one[what], 0);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

/** Without the counts that tests compare after each run: those read everything. */
async function toTheEnd(world: World): Promise<void> {
  const slices = world.slices();
  let step = await slices.next();
  while (!step.done) step = await slices.next();
  const { state } = step.value;
  if (state !== 'done') throw new Error(`the run ended as ${JSON.stringify(step.value)}`);
}
