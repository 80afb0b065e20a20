/** Specs with more accounts than one message takes: applied, planned and scheduled by the command, on a real Temporal. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readProgress } from '../../cli/migration.js';
import { sendSpec } from '../../cli/send-spec.js';
import { connectTemporal } from '../../cli/temporal.js';
import { wordsOf } from '../../cli/with-temporal.js';
import { dropMemoryStore, memoryStore } from '../../connectors/memory/store.js';
import { specHash } from '../../schemas/hash.js';
import { loadSpec } from '../../schemas/load.js';
import type { Spec } from '../../schemas/spec.js';
import { makeMigrationId, makePartId } from '../../workflows/messages.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';
import type { Terminal } from './terminal.js';
import { migrate, start, terminalAt } from './terminal.js';

let stack: TestStack;
let terminal: Terminal;
beforeAll(async () => {
  stack = await startTestStack();
  terminal = terminalAt(stack);
  await vi.waitFor(
    async () => {
      const { code, out } = await migrate(terminal, 'doctor');
      if (code !== 0) throw new Error(out);
    },
    { timeout: 300_000, interval: 300 },
  );
});
afterAll(() => stack.stop());

/** A few accounts, and a text of `bytes` that makes the spec large but not its run. */
async function write(bytes: number, more: object = {}): Promise<{ file: string; spec: Spec }> {
  const name = `large-${randomUUID().slice(0, 8)}`;
  const rows = ['anna', 'bert', 'cleo'].map((person) => `${person},${person}`);
  await writeFile(join(stack.dir, `${name}.csv`), ['from,to', ...rows].join('\n'));
  const file = join(stack.dir, `${name}.yaml`);
  const map = { folders: { Elsewhere: 'x'.repeat(bytes) } };
  const written = {
    version: 1,
    name,
    sources: { old: { type: 'memory', name: `${name}-source` } },
    targets: { new: { type: 'memory', name: `${name}-target` } },
    selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', map, accounts: { file: `${name}.csv` } }],
    ...more,
  };
  await writeFile(file, JSON.stringify(written));
  const loaded = await loadSpec(file, (path) => readFile(path));
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return { file, spec: loaded.spec };
}

/** Too large for one message of its own, by our rule, and one part. */
const PART_LIKE = 150_000;
const TWO_PARTS = 1_020_000;
const oneMessage = { bytes: Buffer.from('Message-ID: <1@x>\r\n\r\nbody\r\n') };

/** Everything that Temporal keeps of a workflow, as text. */
async function historyOf(workflowId: string): Promise<string> {
  const { events } = await stack.client.workflow.getHandle(workflowId).fetchHistory();
  return JSON.stringify(events, (_, value) => (value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value));
}

it('moves the accounts of a CSV that is larger than one message, and its history does not hold them', async () => {
  const { file, spec } = await write(PART_LIKE);
  memoryStore(`${spec.name}-source`).account('bert').put(['INBOX'], oneMessage);

  const { code, out } = await migrate(terminal, 'apply', file, '--wait');

  expect(code).toBe(0);
  expect(out).toContain('the one item verified');
  expect(await historyOf(makeMigrationId(spec.name))).not.toContain('xxxxxxxx');
  dropMemoryStore(`${spec.name}-source`);
});

it('plans it, and says what is wrong with an account in it', async () => {
  const { file, spec } = await write(PART_LIKE);
  const source = memoryStore(`${spec.name}-source`);
  source.account('bert').put(['INBOX'], oneMessage);

  const plan = await migrate(terminal, 'plan', file, '--detailed-exitcode');
  const dryRun = await migrate(terminal, 'apply', file, '--dry-run', '-o', 'json');
  const doctor = await migrate(terminal, 'doctor', file);

  expect([plan.code, plan.out]).toEqual([2, expect.stringContaining('Plan: 1 to add')]);
  expect(JSON.parse(dryRun.out)).toMatchObject({ name: spec.name, totals: { create: 1 }, truncated: false });
  expect([doctor.code, doctor.out]).toEqual([0, expect.stringContaining('all is well')]);
  dropMemoryStore(source.name);
});

it('schedules it: a start names no account', async () => {
  const schedules = [{ name: 'nightly', selections: ['mail'], every: '1d' }];
  const { file, spec } = await write(PART_LIKE, { schedules });
  await migrate(terminal, 'apply', file, '--wait');

  await migrate(terminal, 'schedule', 'trigger', spec.name, 'nightly');

  const runs = 'select from run where migration = $1 and reason = $2 and state = $3';
  const ended = async () => (await stack.ledger.pool.query(runs, [spec.name, 'schedule', 'done'])).rowCount;
  await expect.poll(ended).toBe(1);
  expect(await historyOf(makeMigrationId(spec.name))).not.toContain('xxxxxxxx');
});

it('leaves nothing that waits when it is interrupted between two parts, and the next apply brings all', async () => {
  const { file, spec } = await write(TWO_PARTS);
  const temporal = await connectTemporal({ ...terminal, signal: new AbortController().signal }, {});
  const interrupt = new AbortController();
  const { workflow } = temporal.client;
  const startPart = workflow.start.bind(workflow);
  vi.spyOn(workflow, 'start').mockImplementation(async (...args: Parameters<typeof startPart>) => {
    interrupt.abort();
    return startPart(...args);
  });
  await expect(sendSpec(temporal, spec, interrupt.signal)).rejects.toThrow();
  const first = stack.client.workflow.getHandle(makePartId(specHash(spec), 1));
  await first.result();
  await temporal.close();
  const migrations = stack.client.workflow.getHandle(makeMigrationId(spec.name)).describe();
  await expect(migrations).rejects.toThrow('not found');

  const { code, out } = await migrate(terminal, 'apply', file);

  expect([code, out]).toEqual([0, `${spec.name}: started`]);
  const units = async () =>
    (await stack.ledger.pool.query('select from unit where migration = $1', [spec.name])).rowCount;
  await expect.poll(units).toBe(3);
});

it('tells of a part that is damaged, in the run and not for ever', async () => {
  const { spec } = await write(TWO_PARTS);
  const hash = specHash(spec);
  for (const part of [1, 2])
    await stack.client.workflow.start('part', {
      workflowId: makePartId(hash, part),
      taskQueue: stack.stack.taskQueue,
      args: [{ hash, part, of: 2, data: 'H4sIAAAA' }],
    });

  const handle = await stack.client.workflow.start('migration', {
    workflowId: makeMigrationId(spec.name),
    taskQueue: stack.stack.taskQueue,
    args: [{ name: spec.name, queue: [{ id: randomUUID(), reason: 'apply', specHash: hash }] }],
  });

  const failure = await handle.result().catch((error: unknown) => error);
  expect(wordsOf(failure)).toContain('part 1 of 2 is damaged');
});

it('waits for a plan until Ctrl-C, and then leaves no part behind', async () => {
  const { file, spec } = await write(PART_LIKE);
  const away = { ...terminal, env: { ...terminal.env, DROVER_TASK_QUEUE: `nobody-${randomUUID()}` } };
  const waiting = start(away, 'plan', file);
  const part = stack.client.workflow.getHandle(makePartId(specHash(spec), 1));
  await expect
    .poll(() =>
      part.describe().then(
        ({ status }) => status.name,
        () => '',
      ),
    )
    .toBe('RUNNING');

  waiting.interrupt();

  expect(await waiting.ended).toBe(130);
  const handled = (await part.fetchHistory()).events?.map(({ eventType }) => eventType);
  const CANCEL_REQUESTED = 20;
  expect(handled).toContain(CANCEL_REQUESTED);
});

it('asks again and again with one signal, and piles up no listeners on it', async () => {
  const { file, spec } = await write(PART_LIKE);
  await migrate(terminal, 'apply', file);
  const temporal = await connectTemporal({ ...terminal, signal: new AbortController().signal }, {});
  const warned: string[] = [];
  const listen = ({ name }: Error): void => void warned.push(name);
  process.on('warning', listen);

  for (let n = 0; n < 15; n++) await readProgress(temporal, spec.name, terminalSignal);
  await new Promise((go) => setImmediate(go));

  process.off('warning', listen);
  await temporal.close();
  expect(warned).toEqual([]);
});

/** As a command has it from its start to its end. */
const terminalSignal = new AbortController().signal;
