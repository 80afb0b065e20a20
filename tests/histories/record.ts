/** Real runs, one for each branch of the workflows; their histories are what a later version has to go on with. */
import type proto from '@temporalio/proto';
import { Fault } from '../../connectors/errors.js';
import { memoryStore, removeFrom } from '../../connectors/memory/store.js';
import { specHash } from '../../schemas/hash.js';
import type { Selection, Spec } from '../../schemas/spec.js';
import type { RunRequest } from '../../words/runs.js';
import type { Progress } from '../../workflows/messages.js';
import {
  approveSignal,
  cancelSignal,
  credentialsSignal,
  makeDoctorId,
  makeMigrationId,
  makePlanId,
  makeTickId,
  makeUnitId,
  pauseSignal,
  progressQuery,
  requestSignal,
  resumeSignal,
  retrySignal,
  retuneUpdate,
} from '../../workflows/messages.js';
import type { TestStack } from '../e2e/stack.js';
import { startTestStack } from '../e2e/stack.js';

export interface Recorded {
  readonly name: string;
  readonly workflowId: string;
  readonly history: proto.temporal.api.history.v1.IHistory;
}

/** Runs of it are long enough to be stopped in the middle. */
const MESSAGES = 200;
const SLOW_MS = 10;
/** A history so long is continued as new, in place of one of thousands of events. */
const HISTORY_EVENTS = 60;

export async function recordHistories(): Promise<readonly Recorded[]> {
  const plain = await startTestStack();
  const histories = await recordPlain(plain).finally(() => plain.stop());
  const short = await startTestStack({}, { historyEvents: HISTORY_EVENTS });
  return [...histories, ...(await recordContinued(short).finally(() => short.stop()))];
}

async function recordPlain(test: TestStack): Promise<readonly Recorded[]> {
  const { client } = test;
  const recorded: Recorded[] = [];
  const save = async (name: string, workflowId: string, runId?: string): Promise<void> => {
    recorded.push({ name, workflowId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() });
  };
  const { apply, until, start, ended } = runsOn(test);

  await apply('plain', ['one', 'two']);
  await ended('plain');
  await save('plain', makeMigrationId('plain'));
  await save('unit', makeUnitId('plain', 1));
  await apply('plain', ['one', 'two']);
  await ended('plain');
  await save('idle', makeMigrationId('plain'));
  await start('migration', makeMigrationId('plain'), []);
  await ended('plain');
  await save('no-input', makeMigrationId('plain'));

  const tick = makeTickId('plain', 'nightly');
  await start('tick', tick, [{ name: 'plain', schedule: 'nightly', selections: ['mail'] }]);
  await client.workflow.getHandle(tick).result();
  await save('tick', tick);
  await save('scheduled', makeMigrationId('plain'));

  const spec = specOf('plain', ['one', 'two']);
  const look = { spec, specHash: specHash(spec), dryRun: false };
  await start('plan', makePlanId('plain', 'x'), [look]);
  await client.workflow.getHandle(makePlanId('plain', 'x')).result();
  await save('plan', makePlanId('plain', 'x'));
  await start('doctor', makeDoctorId('x'), [{ spec }]);
  await client.workflow.getHandle(makeDoctorId('x')).result();
  await save('doctor', makeDoctorId('x'));

  // A unit that cannot start, and one of whose items one is refused.
  source('failed').fault = ({ op, account }) => {
    if (op === 'containers' && account === 'two') throw new Fault('spec', 'broken for now');
  };
  memoryStore('failed-target').fault = ({ op, when, account }) => {
    if (op === 'create' && when === 'before' && account === 'one') throw new Fault('refused', 'too large');
  };
  await apply('failed', ['one', 'two'], {}, 1);
  await ended('failed');
  await save('failed', makeMigrationId('failed'));
  await save('unit-incomplete', makeUnitId('failed', 1));
  await save('unit-failed', makeUnitId('failed', 2));

  await apply('unopened', 'all', { from: 'nowhere' });
  await ended('unopened');
  await save('unopened', makeMigrationId('unopened'));

  source('parked').account('two').locked = 'password expired';
  await apply('parked', ['one', 'two']);
  await until('parked', (p) => p.state === 'waiting');
  source('parked').account('two').locked = undefined;
  await client.workflow.getHandle(makeMigrationId('parked')).signal(credentialsSignal, { unit: 2 });
  await ended('parked');
  await save('parked', makeMigrationId('parked'));

  await apply('approved', ['one'], { deletions: 'mirror' });
  await ended('approved');
  const inbox = source('approved').account('one').folder(['INBOX']);
  for (const uid of [...inbox.messages.keys()].slice(2)) removeFrom(inbox, uid);
  await apply('approved', ['one'], { deletions: 'mirror' }, 0);
  await until('approved', (p) => p.state === 'waiting');
  await save('unit-parked', makeUnitId('approved', 1));
  // As `migrate approve` sends it: what was shown, and nothing else.
  const approved = client.workflow.getHandle(makeMigrationId('approved'));
  const { gates } = await approved.query(progressQuery);
  await approved.signal(approveSignal, { shown: gates.flatMap(({ covers }) => covers?.token ?? []) });
  await ended('approved');
  await save('approved', makeMigrationId('approved'));

  slow('paused');
  const paused = await apply('paused', ['one']);
  await until('paused', (p) => p.units.running === 1 && memoryStore('paused-target').counts.create > 5);
  await paused.executeUpdate(retuneUpdate, { args: [{ lanes: 4 }] });
  await paused.signal(pauseSignal);
  await until('paused', (p) => p.state === 'paused');
  await save('unit-stopped', makeUnitId('paused', 1));
  await paused.signal(resumeSignal);
  await ended('paused');
  await save('paused', makeMigrationId('paused'));

  slow('cancelled');
  const cancelled = await apply('cancelled', ['one']);
  await until('cancelled', (p) => p.units.running === 1);
  await cancelled.signal(cancelSignal);
  await ended('cancelled');
  await save('cancelled', makeMigrationId('cancelled'));

  slow('cancelled-by-temporal');
  const stopped = await apply('cancelled-by-temporal', ['one']);
  await until('cancelled-by-temporal', (p) => p.units.running === 1);
  await stopped.cancel();
  await ended('cancelled-by-temporal');
  await save('cancelled-by-temporal', makeMigrationId('cancelled-by-temporal'));

  slow('replaced');
  const replaced = await apply('replaced', ['one']);
  await until('replaced', (p) => p.units.running === 1);
  await replaced.signal(requestSignal, { id: 'replaced-2', reason: 'apply', replace: true });
  memoryStore('replaced-target').fault = undefined;
  await ended('replaced');
  await save('replaced', makeMigrationId('replaced'));

  // A retry that lifts a block, starts a failed unit again, and opens a gate that waits for time.
  source('retried').fault = ({ op, account }) => {
    if (op === 'list' && account === 'one')
      throw new Fault('throttled', 'come back tomorrow', { retryAfterMs: 86_400_000 });
    if (op === 'containers' && account === 'two') throw new Fault('spec', 'broken for now');
  };
  const retried = await apply('retried', ['one', 'two']);
  await until('retried', (p) => p.units.failed === 1);
  const isBlocked = async () =>
    (await test.ledger.pool.query('select from budget where blocked_until > clock_timestamp()')).rowCount === 1;
  while (!(await isBlocked())) await new Promise((go) => setTimeout(go, 20));
  source('retried').fault = undefined;
  await retried.signal(retrySignal, {});
  await ended('retried');
  await save('retried', makeMigrationId('retried'));

  let isFull = true;
  memoryStore('timed-target').fault = ({ op, when }) => {
    if (op !== 'create' || when !== 'before' || !isFull) return;
    isFull = false;
    throw new Fault('quota', 'full', { retryAfterMs: 500 });
  };
  await apply('timed', ['one']);
  await ended('timed');
  await save('timed', makeMigrationId('timed'));

  const people = ['one@x.example', 'two@x.example'];
  for (const person of people)
    for (const organizer of people)
      source('order')
        .account(person)
        .put(['Work'], { bytes: invitation(organizer, people) });
  await apply('order', people, { name: 'calendar', kind: 'calendar' }, 0);
  await ended('order');
  await save('order', makeMigrationId('order'));

  for (const person of people)
    source('two-way')
      .account(person)
      .put(['Team'], { bytes: card(person) });
  await apply('two-way', people, { name: 'contacts', kind: 'contacts', mode: 'two-way' }, 0);
  await ended('two-way');
  await save('unit-two-way', makeUnitId('two-way', 1));
  return recorded;
}

/** Both executions of one run, with a gate, a failed unit and a request that go from one to the other. */
async function recordContinued(test: TestStack): Promise<readonly Recorded[]> {
  const { apply, until, ended } = runsOn(test);
  const people = Array.from({ length: 5 }, (_, n) => `p${n + 1}`);
  source('continued').account('p2').locked = 'password expired';
  source('continued').fault = ({ op, account }) => {
    if (op === 'containers' && account === 'p3') throw new Fault('spec', 'broken for now');
  };
  slow('continued');
  const { firstExecutionRunId } = await apply('continued', people);
  const workflowId = makeMigrationId('continued');
  const handle = test.client.workflow.getHandle(workflowId);
  await until('continued', (p) => p.units.parked === 1 && p.units.failed === 1);
  await handle.signal(requestSignal, { id: 'continued-2', reason: 'verify' });
  for (let n = 0; n < HISTORY_EVENTS; n++) await handle.signal(credentialsSignal, { unit: 99 });
  while ((await handle.describe()).runId === firstExecutionRunId) await new Promise((go) => setTimeout(go, 50));
  source('continued').account('p2').locked = undefined;
  source('continued').fault = undefined;
  memoryStore('continued-target').fault = undefined;
  await until('continued', (p) => p.state !== 'preparing');
  await handle.signal(retrySignal, {});
  await ended('continued');
  const history = (runId: string) => test.client.workflow.getHandle(workflowId, runId).fetchHistory();
  const recorded: Recorded[] = [];
  for (let runId: string | null | undefined = firstExecutionRunId; runId; ) {
    const one: proto.temporal.api.history.v1.IHistory = await history(runId);
    recorded.push({ name: `continued-${recorded.length + 1}`, workflowId, history: one });
    runId = one.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return recorded;
}

function runsOn({ client, stack }: TestStack) {
  const asked = new Map<string, number>();
  const start = (type: string, workflowId: string, args: readonly unknown[]) =>
    client.workflow.start(type, { workflowId, taskQueue: stack.taskQueue, args: [...args] });
  return {
    start,
    async apply(name: string, people: readonly string[] | 'all', selection: Partial<Selection> = {}, count = MESSAGES) {
      const n = (asked.get(name) ?? 0) + 1;
      asked.set(name, n);
      if (people !== 'all' && n === 1) fill(name, people, count);
      const spec = specOf(name, people, selection);
      const request: RunRequest = { id: `${name}-${n}`, reason: 'apply', spec, specHash: specHash(spec) };
      return client.workflow.start('migration', {
        workflowId: makeMigrationId(name),
        taskQueue: stack.taskQueue,
        args: [{ name, queue: [request] }],
        memo: { specHash: specHash(spec) },
      });
    },
    async until(name: string, reached: (progress: Progress) => boolean): Promise<void> {
      while (!reached(await client.workflow.getHandle(makeMigrationId(name)).query(progressQuery)))
        await new Promise((go) => setTimeout(go, 20));
    },
    /** However it ended. */
    ended: (name: string): Promise<unknown> =>
      client.workflow
        .getHandle(makeMigrationId(name))
        .result()
        .catch(() => undefined),
  };
}

const source = (name: string) => memoryStore(`${name}-source`);

function slow(name: string): void {
  memoryStore(`${name}-target`).fault = async ({ op, when }) => {
    if (op === 'create' && when === 'before') await new Promise((go) => setTimeout(go, SLOW_MS));
  };
}

function fill(name: string, people: readonly string[], count: number): void {
  for (const person of people)
    for (let n = 0; n < count; n++)
      source(name)
        .account(person)
        .put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\n${n}\r\n`) });
}

function specOf(name: string, people: readonly string[] | 'all', selection: Partial<Selection> = {}): Spec {
  const accounts = people === 'all' ? people : people.map((person) => ({ from: person, to: person }));
  return {
    version: 1,
    name,
    sources: { old: { type: 'memory', options: { name: `${name}-source` } } },
    targets: { new: { type: 'memory', options: { name: `${name}-target` } } },
    selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts, ...selection }],
  };
}

const invitation = (organizer: string, people: readonly string[]): Buffer =>
  Buffer.from(
    [
      ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y//EN', 'BEGIN:VEVENT', `UID:${organizer}`],
      ...['DTSTAMP:20260101T000000Z', 'DTSTART:20300101T100000Z', `ORGANIZER:mailto:${organizer}`],
      ...people.map((person) => `ATTENDEE:mailto:${person}`),
      ...['END:VEVENT', 'END:VCALENDAR', ''],
    ].join('\r\n'),
  );

const card = (uid: string): Buffer =>
  Buffer.from(`BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${uid}\r\nEND:VCARD\r\n`);
