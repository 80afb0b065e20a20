/**
 * What stands is not read again: a run with nothing to do, or with one item that changed, looks at as much of the ledger
 * whether 1,000 items are settled or 10,000. Counted in pages, so that no clock decides: `npm run bench -- scale` takes the time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { startLedger } from './ledger.js';
import { writeSettledItems } from './settled-items.js';
import type { VastKind, VastSystem } from './vast-system.js';
import { createVastSystem } from './vast-system.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const FEW = 1_000;
const MANY = 10_000;

/** What happened since the last run. */
const STORIES: readonly { readonly name: string; happen(system: VastSystem, items: number): void }[] = [
  { name: 'nothing', happen: () => {} },
  { name: 'one changed', happen: (system) => system.change({ change: 'upsert', item: system.item(7, 'v2') }) },
  {
    name: 'one came',
    happen: (system, items) => system.change({ change: 'upsert', item: system.item(items + 1, 'v1') }),
  },
  { name: 'one went', happen: (system) => system.change({ change: 'gone', key: system.item(9, 'v1').key }) },
];

describe.each(['mail', 'contacts', 'files'] as const)('%s that stand', (kind) => {
  let few: Standing;
  let many: Standing;
  beforeAll(async () => {
    few = await standing(kind, FEW);
    many = await standing(kind, MANY);
  });
  afterAll(async () => {
    await few.stop();
    await many.stop();
  });

  it.each(STORIES)('are not read when $name happened', async ({ happen }) => {
    const little = await few.run(happen);
    const much = await many.run(happen);

    expect(much.fullScans).toEqual([]);
    // An address book can only be listed as a whole: what it shows is looked up many at a time.
    expect(much.pages).toBeLessThan(1.1 * little.pages + 50 + much.references / 10);
    // Of mail the target shows what came since it was looked at last; trees are not looked through.
    if (kind !== 'contacts') expect(much.references).toBeLessThan(3);
  });
});

interface Standing {
  run(happen: (system: VastSystem, items: number) => void): Promise<Spent>;
  stop(): Promise<void>;
}

interface Spent {
  /** Statements that went through the whole table of items. */
  readonly fullScans: readonly string[];
  /** Of tables and indexes, by all statements. */
  readonly pages: number;
  /** That the target was asked to show. */
  readonly references: number;
}

async function standing(kind: VastKind, items: number): Promise<Standing> {
  const server = await startLedger();
  const system = createVastSystem({ kind, accounts: 1, containers: 1 });
  const first = worldOf(server.ledger, kind, system);
  const { name } = first.spec;
  await toTheEnd(first);
  await first.close();
  await writeSettledItems(server.ledger, { migration: name, kind, items });
  await explainAll(server.ledger);
  system.fill(items);
  return {
    async run(happen) {
      happen(system, items);
      const asked = system.shown.references;
      const ledger = openLedger(server.url);
      const plans = plansOf(ledger);
      const world = worldOf(ledger, kind, system, name);
      await toTheEnd(world);
      await world.close();
      await ledger.close();
      return {
        fullScans: plans.flatMap((plan) => (readsAll(plan.Plan, 'item') ? [plan['Query Text']] : [])),
        pages: plans.reduce((sum, { Plan }) => sum + Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks'], 0),
        references: system.shown.references - asked,
      };
    },
    stop: () => server.stop(),
  };
}

function worldOf(ledger: Ledger, kind: VastKind, system: VastSystem, name?: string): World {
  return createWorld(ledger, {
    connectors: system.connectors,
    systems: { old: { type: 'vast', options: {} }, new: { type: 'vast', options: {} } },
    selection: { kind, deletions: 'mirror', accounts: [...system.accounts] },
    ...(name !== undefined && { name: name.replace(/^move-/, '') }),
  });
}

/** Without the counts that other stories compare after each run: those read everything. */
async function toTheEnd(world: World): Promise<void> {
  const slices = world.slices();
  let step = await slices.next();
  while (!step.done) step = await slices.next();
  expect(step.value).toMatchObject({ state: 'done' });
}

interface Explained {
  readonly 'Query Text': string;
  readonly Plan: PlanNode;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  /** 0: there was no need for it. */
  readonly 'Actual Loops': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

/** From now on the server tells new connections how it went about each of their statements. */
async function explainAll({ pool }: Ledger): Promise<void> {
  const { rows } = await pool.query<{ name: string }>('select current_database() as name');
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_buffers': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
  };
  for (const [setting, value] of Object.entries(settings))
    await pool.query(`alter database ${rows[0]?.name} set ${setting} = '${value}'`);
}

/** Those of all statements over this ledger's connections, as they come. */
function plansOf({ pool, renewals }: Ledger): readonly Explained[] {
  const plans: Explained[] = [];
  for (const connections of [pool, renewals]) {
    connections.on('connect', (client) => {
      client.on('notice', ({ message }) => {
        const [, plan] = message?.split(/^duration: .* plan:$/m) ?? [];
        if (plan !== undefined) plans.push(JSON.parse(plan) as Explained);
      });
    });
  }
  return plans;
}

function readsAll(node: PlanNode, table: string): boolean {
  if (node['Node Type'] === 'Seq Scan' && node['Relation Name'] === table && node['Actual Loops'] > 0) return true;
  return (node.Plans ?? []).some((below) => readsAll(below, table));
}
