/**
 * Claim: 1,000 accounts that have nothing to do are looked at in less than 20 seconds where the systems answer at once.
 * Beside it, in the same run, the way without the look: a child workflow for each account, which surveys it.
 *
 *   npm run bench -- idle [--accounts 1000] [--folders 1] [--rounds 3] [--children 200]
 *
 * Systems in memory, the ledger and Temporal of the embedded stack, the worker in this process, 8 accounts at once either
 * way. `--children`: so many accounts go the other way; 0 leaves it out.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { move } from '../engine/move.js';
import { finishRun } from '../engine/run/close-run.js';
import { endUnit } from '../engine/run/end-units.js';
import { lookAtUnits } from '../engine/run/look-at-units.js';
import { prepare } from '../engine/run/open-run.js';
import { inLanes } from '../engine/session/lanes.js';
import { runSlice } from '../engine/slice/run-slice.js';
import { survey } from '../engine/survey/survey.js';
import { verify } from '../engine/verify.js';
import { specHash } from '../schemas/hash.js';
import { startTestStack } from '../tests/e2e/stack.js';
import type { World } from '../tests/engine/world.js';
import { createWorld } from '../tests/engine/world.js';
import { numbersOf } from '../words/ranges.js';
import { makeUnitId } from '../workflows/messages.js';

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '1000' },
    folders: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    children: { type: 'string', default: '200' },
  },
});
const accounts = Number(values.accounts);
const children = Number(values.children);
const AT_ONCE = Array.from({ length: 8 }, (_, n) => n);
/** As the workflow asks for them. */
const UNITS_A_LOOK = 100;
const signal = new AbortController().signal;
const units = Array.from({ length: accounts }, (_, n) => n + 1);

const test = await startTestStack();
try {
  const world = createWorld(test.ledger, {
    selection: { accounts: units.map((n) => ({ from: `a${n}`, to: `a${n}` })) },
  });
  for (const n of units) {
    for (let folder = 1; folder <= Number(values.folders); folder++) {
      const bytes = Buffer.from(`Message-ID: <${n}.${folder}@x>\r\n\r\nbody\r\n`);
      world.source.account(`a${n}`).put(folder === 1 ? ['INBOX'] : [`Folder ${folder}`], { bytes });
    }
  }
  await moveAll(world);
  for (let round = 1; round <= Number(values.rounds); round++) {
    const looked = await timed(() => lookAtAll(world));
    const each = looked.ms / accounts;
    const said = `${accounts} accounts looked at in ${(looked.ms / 1000).toFixed(1)} s, ${each.toFixed(1)} ms each, ${(looked.cpuMs / accounts).toFixed(1)} ms of it processor time of the worker`;
    const other = children > 0 ? (await timed(() => byChildWorkflows(world))).ms / children : undefined;
    const beside =
      other === undefined
        ? ''
        : `; a child workflow each ${other.toFixed(1)} ms, ${(other / each).toFixed(1)} times as long`;
    console.log(`round ${round}: ${said}${beside}`);
  }
  await world.close();
} finally {
  await test.stop();
}

/** Begins once no session is kept any more: this process and its worker would wait for each other's connections. */
async function timed(work: () => Promise<void>): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  while (children > 0 && (await test.ledger.pool.query('select from slot')).rowCount !== 0) await delay(500);
  const since = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - since, cpuMs: (user + system) / 1000 };
}

async function open({ deps, spec }: World) {
  const specHashed = specHash(spec);
  const request = { id: randomUUID(), reason: 'schedule' as const, spec, specHash: specHashed };
  const { run } = await prepare(deps, { name: spec.name, request }, signal);
  return { migration: spec.name, run, specHash: specHashed, reason: request.reason };
}

async function moveAll(world: World): Promise<void> {
  const asked = await open(world);
  await inLanes(
    AT_ONCE,
    units,
    () => false,
    async (_lane, unit) => {
      for (const [phase, work] of [
        ['survey', survey],
        ['move', move],
        ['verify', verify],
      ] as const)
        await runSlice(world.deps, { ...asked, unit }, phase, work, { signal, heartbeat: () => {} });
      await endUnit(world.deps, { ...asked, unit, state: 'done' });
    },
  );
  const { state, totals } = await finishRun(world.deps, {
    ...asked,
    name: asked.migration,
    state: 'finished',
  });
  if (state !== 'done') throw new Error(`the first run ended as ${state}: ${JSON.stringify(totals)}`);
}

async function lookAtAll(world: World): Promise<void> {
  const asked = await open(world);
  for (let at = 0; at < units.length; at += UNITS_A_LOOK) {
    const some = units.slice(at, at + UNITS_A_LOOK);
    const { idle } = await lookAtUnits(world.deps, { ...asked, units: some }, { signal, heartbeat: () => {} });
    if ([...numbersOf(idle)].length !== some.length) throw new Error(`not all of ${some.length} units were idle`);
  }
}

async function byChildWorkflows(world: World): Promise<void> {
  const asked = await open(world);
  await inLanes(
    AT_ONCE,
    units.slice(0, children),
    () => false,
    async (_lane, n) => {
      const { state } = await test.client.workflow.execute('unit', {
        workflowId: makeUnitId(asked.migration, n),
        taskQueue: test.stack.taskQueue,
        args: [{ ...asked, n, selection: 'mail', kind: 'mail' }],
      });
      if (state !== 'done') throw new Error(`unit ${n} ended as ${state}`);
      await endUnit(world.deps, { ...asked, unit: n, state: 'done' });
    },
  );
}
