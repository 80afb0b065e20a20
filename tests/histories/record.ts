/** Records histories of real runs, for the replay check. Run by `RECORD_HISTORIES=1 npx vitest run tests/histories`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import proto from '@temporalio/proto';
import { memoryStore } from '../../connectors/memory/store.js';
import { specHash } from '../../schemas/hash.js';
import type { Spec } from '../../schemas/spec.js';
import {
  cancelSignal,
  credentialsSignal,
  makeMigrationId,
  makeTickId,
  makeUnitId,
  pauseSignal,
  progressQuery,
  resumeSignal,
} from '../../workflows/messages.js';
import type { Progress } from '../../workflows/messages.js';
import type { TestStack } from '../e2e/stack.js';

const MESSAGES = 400;

export async function recordHistories(test: TestStack, folder: string): Promise<void> {
  const save = async (name: string, id: string): Promise<void> => {
    const history = await test.client.workflow.getHandle(id).fetchHistory();
    await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ id, history: proto.temporal.api.history.v1.History.toObject(proto.temporal.api.history.v1.History.fromObject(history), { bytes: String, longs: String }) }, null, 1)}\n`);
  };
  const start = async (name: string, people: readonly string[]) => {
    const spec = makeSpec(name, people);
    return test.client.workflow.start('migration', {
      workflowId: makeMigrationId(name),
      taskQueue: test.stack.taskQueue,
      args: [{ name, queue: [{ id: `${name}-1`, reason: 'apply', spec, specHash: specHash(spec) }] }],
    });
  };
  const until = async (name: string, reached: (progress: Progress) => boolean): Promise<void> => {
    while (!reached(await test.client.workflow.getHandle(makeMigrationId(name)).query(progressQuery))) {
      await new Promise((go) => setTimeout(go, 20));
    }
  };

  await (await start('plain', ['one', 'two'])).result();
  await save('plain', makeMigrationId('plain'));
  await save('unit', makeUnitId('plain', 1));

  slow('paused');
  const paused = await start('paused', ['one']);
  await until('paused', (p) => p.state === 'running');
  await paused.signal(pauseSignal);
  await until('paused', (p) => p.state === 'paused');
  await paused.signal(resumeSignal);
  await paused.result();
  await save('paused', makeMigrationId('paused'));

  memoryStore('parked-source').account('two').locked = 'password expired';
  const parked = await start('parked', ['one', 'two']);
  await until('parked', (p) => p.state === 'waiting');
  memoryStore('parked-source').account('two').locked = undefined;
  await parked.signal(credentialsSignal, {});
  await parked.result();
  await save('parked', makeMigrationId('parked'));

  slow('cancelled');
  const cancelled = await start('cancelled', ['one']);
  await until('cancelled', (p) => p.state === 'running');
  await cancelled.signal(cancelSignal);
  await cancelled.result();
  await save('cancelled', makeMigrationId('cancelled'));

  await test.client.workflow.execute('tick', {
    workflowId: makeTickId('plain', 'nightly'),
    taskQueue: test.stack.taskQueue,
    args: [{ name: 'plain', schedule: 'nightly', selections: ['mail'] }],
  });
  await save('tick', makeTickId('plain', 'nightly'));
  await save('scheduled', makeMigrationId('plain'));
}

function slow(name: string): void {
  memoryStore(`${name}-target`).fault = async ({ op, when }) => {
    if (op === 'create' && when === 'before') await new Promise((go) => setTimeout(go, 5));
  };
}

function makeSpec(name: string, people: readonly string[]): Spec {
  for (const person of people) {
    for (let n = 0; n < MESSAGES; n++) {
      memoryStore(`${name}-source`).account(person).put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\n${n}\r\n`) });
    }
  }
  return {
    version: 1,
    name,
    sources: { old: { type: 'memory', options: { name: `${name}-source` } } },
    targets: { new: { type: 'memory', options: { name: `${name}-target` } } },
    selections: [
      { name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts: people.map((p) => ({ from: p, to: p })) },
    ],
  };
}
