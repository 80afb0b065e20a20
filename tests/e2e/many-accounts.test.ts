/** 15,000 accounts from a CSV, by the command, on a real Temporal and a worker that is killed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createCollector } from '../../cli/snapshot.js';
import type { TemporalAccess } from '../../cli/temporal.js';
import { connectTemporal } from '../../cli/temporal.js';
import type { Progress } from '../../workflows/messages.js';
import { makeMigrationId, progressQuery } from '../../workflows/messages.js';
import type { Terminal } from '../cli/terminal.js';
import { migrate } from '../cli/terminal.js';
import type { Fleet } from '../faults/fleet.js';
import { startFleet } from '../faults/fleet.js';

const ACCOUNTS = 15_000;
/** What is asked of a workflow, or kept of it, does not grow with the accounts; a page of gates may be in it. */
const SMALL = 20_000;
/** A thousand names. */
const NAMED = 300_000;
const NAME = 'many';
const never = new AbortController().signal;

let fleet: Fleet;
let terminal: Terminal;
let temporal: TemporalAccess;
let file: string;
beforeAll(async () => {
  fleet = await startFleet(1);
  terminal = {
    cwd: fleet.dir,
    env: {
      TEMPORAL_ADDRESS: fleet.stack.temporalAddress,
      DROVER_LEDGER_URL: fleet.stack.ledgerUrl,
      DROVER_TASK_QUEUE: fleet.stack.taskQueue,
    },
  };
  temporal = await connectTemporal({ ...terminal, signal: new AbortController().signal }, {});
  const rows = Array.from(
    { length: ACCOUNTS },
    (_, n) => `name.surname${n}@old.example.org,surname${n}@new.example.org`,
  );
  await writeFile(join(fleet.dir, 'people.csv'), ['from,to', ...rows].join('\n'));
  file = join(fleet.dir, 'many.yaml');
  // Systems in the worker's memory: all accounts are there, and empty.
  const spec = {
    version: 1,
    name: NAME,
    sources: { old: { type: 'memory', name: 'old' } },
    targets: { new: { type: 'memory', name: 'new' } },
    selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts: { file: 'people.csv' } }],
  };
  await writeFile(file, JSON.stringify(spec));
});
afterAll(async () => {
  await temporal.close();
  await fleet.stop();
});

const progress = (): Promise<Progress | undefined> =>
  fleet.client.workflow
    .getHandle(makeMigrationId(NAME))
    .query(progressQuery)
    .catch(() => undefined);

async function until(reached: (progress: Progress) => boolean): Promise<Progress> {
  for (;;) {
    const now = await progress();
    if (now && reached(now)) return now;
    await new Promise((go) => setTimeout(go, 50));
  }
}

/** Everything that Temporal keeps of the migration's present execution. */
async function history(): Promise<string[]> {
  const { events } = await fleet.client.workflow.getHandle(makeMigrationId(NAME)).fetchHistory();
  return (events ?? []).map((event) => JSON.stringify(event));
}

it('starts, tells how it stands, pauses, survives its worker, goes on, and ends', async () => {
  expect(await migrate(terminal, 'apply', file)).toMatchObject({ code: 0, out: 'many: started' });
  await until(({ units }) => units.done > 0);

  // How it stands costs one answer, and one look at each unit that is at work.
  const asked = vi.spyOn(temporal.client.workflow, 'getHandle');
  const snapshot = await createCollector(temporal, NAME).collect(never);
  expect(snapshot?.progress.units.total).toBe(ACCOUNTS);
  expect(JSON.stringify(snapshot?.progress).length).toBeLessThan(SMALL);
  expect(asked.mock.calls.length).toBeLessThanOrEqual(1 + (snapshot?.progress.running.length ?? 0));
  const status = await migrate(terminal, 'status', NAME);
  expect([status.code, status.out]).toEqual([0, expect.stringContaining('of 15,000 units done')]);
  expect((await migrate(terminal, 'apply', file)).out).toContain('attached');

  expect((await migrate(terminal, 'pause', NAME)).code).toBe(0);
  const paused = await until(({ state }) => state === 'paused');
  expect(paused.units).toMatchObject({ total: ACCOUNTS, running: 0 });
  expect((await migrate(terminal, 'resume', NAME)).code).toBe(0);

  await fleet.replaceWorker(0);
  await until(({ units }) => units.done > paused.units.done);

  expect((await migrate(terminal, 'cancel', NAME)).code).toBe(0);
  await expect.poll(async () => (await migrate(terminal, 'status', NAME)).out).toContain('cancelled');
  // Whose units are started comes once, for as many as one execution starts.
  const large = (await history()).map(({ length }) => length).filter((length) => length >= SMALL);
  expect(large.length).toBeLessThanOrEqual(1);
  for (const length of large) expect(length).toBeLessThan(NAMED);
  const list = await migrate(terminal, 'list', NAME);
  expect([list.code, list.out]).toEqual([0, expect.stringContaining('cancelled')]);
  const { rowCount } = await fleet.ledger.pool.query('select from unit where migration = $1', [NAME]);
  expect(rowCount).toBe(ACCOUNTS);
});
