import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { memoryStore, removeFrom } from '../../connectors/memory/store.js';
import { specHash } from '../../schemas/hash.js';
import type { Selection, Spec } from '../../schemas/spec.js';
import type { RunResult } from '../../words/runs.js';
import type { Progress } from '../../workflows/messages.js';
import {
  approveSignal,
  cancelSignal,
  credentialsSignal,
  makeMigrationId,
  makeUnitId,
  pauseSignal,
  progressQuery,
  requestSignal,
  resumeSignal,
  retrySignal,
} from '../../workflows/messages.js';
import { applySpec } from './apply-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

let test: TestStack;
beforeAll(async () => {
  test = await startTestStack();
});
afterAll(() => test.stop());

/** It takes a second or two, and more on a busy machine; not the half minute that a slice has, nor for ever. */
const PROMPT_MS = 25_000;

const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\n\r\nbody ${n}\r\n`);

function makeSpec(people: readonly string[], selection: Partial<Selection> = {}): Spec {
  const id = randomUUID().slice(0, 8);
  return {
    version: 1,
    name: `move-${id}`,
    sources: { old: { type: 'memory', options: { name: `${id}-source` } } },
    targets: { new: { type: 'memory', options: { name: `${id}-target` } } },
    selections: [
      {
        name: 'mail',
        kind: 'mail',
        from: 'old',
        to: 'new',
        accounts: people.map((p) => ({ from: p, to: p })),
        ...selection,
      },
    ],
  };
}
const sourceOf = (spec: Spec) => memoryStore(spec.sources.old?.options.name as string);
const targetOf = (spec: Spec) => memoryStore(spec.targets.new?.options.name as string);

const apply = (spec: Spec) => applySpec(test.client, test.stack.taskQueue, spec);

async function until(name: string, reached: (progress: Progress) => boolean): Promise<Progress> {
  const handle = test.client.workflow.getHandle(makeMigrationId(name));
  for (;;) {
    const progress = await handle.query(progressQuery);
    if (reached(progress)) return progress;
    await new Promise((go) => setTimeout(go, 50));
  }
}

it('runs every unit and sums up', async () => {
  const spec = makeSpec(['anna', 'bert', 'cleo']);
  for (const person of ['anna', 'bert', 'cleo']) {
    for (let n = 0; n < 20; n++)
      sourceOf(spec)
        .account(person)
        .put(['INBOX'], { bytes: message(n) });
  }
  const result = (await (await apply(spec)).result()) as RunResult;

  expect(result).toMatchObject({ state: 'done', units: 3, done: 3, failed: 0, totals: { items: 60, verified: 60 } });
});

it('starts a workflow in a later run only for accounts that have something to do', async () => {
  const spec = makeSpec(['anna', 'bert', 'cleo']);
  const put = (person: string, n: number) =>
    sourceOf(spec)
      .account(person)
      .put(['INBOX'], { bytes: message(n) });
  for (const person of ['anna', 'bert', 'cleo']) put(person, 1);
  const units = () =>
    Promise.all(
      [1, 2, 3].map(async (n) => (await test.client.workflow.getHandle(makeUnitId(spec.name, n)).describe()).runId),
    );
  await (await apply(spec)).result();
  const before = await units();
  put('bert', 2);

  const result = (await (await apply(spec)).result()) as RunResult;

  expect(result).toMatchObject({ state: 'done', units: 3, done: 3, totals: { items: 4, verified: 4, created: 1 } });
  const after = await units();
  expect(after.map((id, at) => id === before[at])).toEqual([true, false, true]);
});

it('parks a unit with dead credentials while the rest goes on, and starts it again when they are renewed', async () => {
  const spec = makeSpec(['anna', 'bert']);
  for (const person of ['anna', 'bert'])
    sourceOf(spec)
      .account(person)
      .put(['INBOX'], { bytes: message(1) });
  sourceOf(spec).account('bert').locked = 'password expired';
  const handle = await apply(spec);
  const waiting = await until(spec.name, (p) => p.state === 'waiting');
  expect(waiting.units).toMatchObject({ done: 1, parked: 1 });
  expect(waiting.gates[0]).toMatchObject({ gate: 'credentials', n: 2 });

  sourceOf(spec).account('bert').locked = undefined;
  await handle.signal(credentialsSignal, {});

  expect(await handle.result()).toMatchObject({ state: 'done', done: 2 });
});

it('leaves a system alone for as long as it asks, and no longer when a person tries again in the same run', async () => {
  const spec = makeSpec(['anna']);
  sourceOf(spec)
    .account('anna')
    .put(['INBOX'], { bytes: message(1) });
  sourceOf(spec).fault = ({ op }) => {
    if (op === 'list') throw new Fault('throttled', 'come back tomorrow', { retryAfterMs: 86_400_000 });
  };
  const handle = await apply(spec);
  const blocked = 'select from budget where blocked_until > clock_timestamp()';
  await expect.poll(async () => (await test.ledger.pool.query(blocked)).rowCount).toBe(1);
  sourceOf(spec).fault = undefined;

  await handle.signal(retrySignal, {});

  expect(await handle.result()).toMatchObject({ state: 'done', totals: { verified: 1 } });
});

it('pauses within seconds, goes on after resume, and forgets nothing', async () => {
  const spec = makeSpec(['anna']);
  for (let n = 0; n < 2_000; n++)
    sourceOf(spec)
      .account('anna')
      .put(['INBOX'], { bytes: message(n) });
  const slow = targetOf(spec);
  slow.fault = async (event) => {
    if (event.op === 'create' && event.when === 'before') await new Promise((go) => setTimeout(go, 2));
  };
  const handle = await apply(spec);
  await until(spec.name, (p) => p.state === 'running' && slow.counts.create > 50);
  const asked = Date.now();
  await handle.signal(pauseSignal);
  await until(spec.name, (p) => p.state === 'paused');
  expect(Date.now() - asked).toBeLessThan(PROMPT_MS);
  const written = slow.counts.create;
  await new Promise((go) => setTimeout(go, 500));
  expect(slow.counts.create).toBe(written);
  slow.fault = undefined;

  await handle.signal(resumeSignal);

  expect(await handle.result()).toMatchObject({
    state: 'done',
    totals: { items: 2_000, verified: 2_000, duplicates: 0 },
  });
  expect(slow.account('anna').folder(['INBOX']).messages.size).toBe(2_000);
});

it('cancels within seconds, and a later run carries on', async () => {
  const spec = makeSpec(['anna']);
  for (let n = 0; n < 1_500; n++)
    sourceOf(spec)
      .account('anna')
      .put(['INBOX'], { bytes: message(n) });
  const slow = targetOf(spec);
  slow.fault = async (event) => {
    if (event.op === 'create' && event.when === 'before') await new Promise((go) => setTimeout(go, 2));
  };
  const handle = await apply(spec);
  await until(spec.name, () => slow.counts.create > 50);
  const asked = Date.now();
  await handle.signal(cancelSignal);
  expect(await handle.result()).toMatchObject({ state: 'cancelled' });
  expect(Date.now() - asked).toBeLessThan(PROMPT_MS);
  slow.fault = undefined;

  expect(await (await apply(spec)).result()).toMatchObject({
    state: 'done',
    totals: { verified: 1_500, duplicates: 0 },
  });
  expect(slow.account('anna').folder(['INBOX']).messages.size).toBe(1_500);
});

it('stops before too many deletions until they are approved', async () => {
  const spec = makeSpec(['anna'], { deletions: 'mirror' });
  const inbox = sourceOf(spec).account('anna');
  const put = Array.from({ length: 10 }, (_, n) => inbox.put(['INBOX'], { bytes: message(n) }));
  await (await apply(spec)).result();
  for (const { uid } of put.slice(1)) removeFrom(inbox.folder(['INBOX']), uid);
  const handle = await apply(spec);
  const stop = await Promise.race([until(spec.name, (p) => p.state === 'waiting'), handle.result()]);
  expect(stop).toMatchObject({ gates: [{ gate: 'approval' }] });
  await handle.signal(approveSignal, {});
  await handle.result();
  expect(targetOf(spec).account('anna').folder(['INBOX']).messages.size).toBe(1);
});

it('takes requests one after the other, and replaces a run at a safe point', async () => {
  const spec = makeSpec(['anna']);
  for (let n = 0; n < 1_000; n++)
    sourceOf(spec)
      .account('anna')
      .put(['INBOX'], { bytes: message(n) });
  const slow = targetOf(spec);
  slow.fault = async (event) => {
    if (event.op === 'create' && event.when === 'before') await new Promise((go) => setTimeout(go, 3));
  };
  const handle = await apply(spec);
  await until(spec.name, () => slow.counts.create > 20);
  slow.fault = undefined;
  const changed: Spec = { ...spec, selections: spec.selections.map((s) => ({ ...s, name: 'post' })) };
  await handle.signal(requestSignal, {
    id: randomUUID(),
    reason: 'apply',
    spec: changed,
    specHash: specHash(changed),
    replace: true,
  });

  expect(await handle.result()).toMatchObject({ state: 'done', run: 2, totals: { verified: 1_000, duplicates: 0 } });
  expect(slow.account('anna').folder(['INBOX']).messages.size).toBe(1_000);
});

const card = (uid: string, note = ''): Buffer =>
  Buffer.from(`BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${uid}\r\n${note}END:VCARD\r\n`);

it('keeps two address books in step', async () => {
  const spec = makeSpec(['anna'], { name: 'contacts', kind: 'contacts', mode: 'two-way' });
  const [here, there] = [sourceOf(spec).account('anna'), targetOf(spec).account('anna')];
  for (const uid of ['anna', 'bert']) here.put(['Team'], { bytes: card(uid) });
  for (const uid of ['bert', 'cleo']) there.put(['Team'], { bytes: card(uid) });
  const result = (await (await apply(spec)).result()) as RunResult;
  expect(result).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, created: 2, failures: 0 } });
  const uids = [here, there].map((account) =>
    [...account.folder(['Team']).messages.values()].map((m) => /UID:(\w+)/.exec(m.bytes.toString())?.[1]).sort(),
  );
  expect(uids).toEqual([
    ['anna', 'bert', 'cleo'],
    ['anna', 'bert', 'cleo'],
  ]);
});

it('moves organisers’ copies of all accounts before attendees’', async () => {
  const people = ['anna@x.example', 'bert@x.example', 'cleo@x.example'];
  const spec = makeSpec(people, { name: 'calendar', kind: 'calendar' });
  const invite = (organizer: string): Buffer =>
    Buffer.from(
      [
        'BEGIN:VCALENDAR',
        'VERSION:2.0',
        'PRODID:-//x//y//EN',
        'BEGIN:VEVENT',
        `UID:${organizer}`,
        'DTSTAMP:20260101T000000Z',
        'DTSTART:20300101T100000Z',
        `ORGANIZER:mailto:${organizer}`,
        ...people.map((person) => `ATTENDEE:mailto:${person}`),
        'END:VEVENT',
        'END:VCALENDAR',
        '',
      ].join('\r\n'),
    );
  for (const person of people) {
    for (const organizer of people)
      sourceOf(spec)
        .account(person)
        .put(['Work'], { bytes: invite(organizer) });
  }
  const order: string[] = [];
  targetOf(spec).fault = ({ op, when, account, path }) => {
    if (op !== 'create' || when !== 'after') return;
    const written = [...targetOf(spec).account(account).folder(path).messages.values()].at(-1);
    order.push(written?.bytes.includes(`ORGANIZER:mailto:${account}`) ? 'organiser' : 'attendee');
  };
  const result = (await (await apply(spec)).result()) as RunResult;
  expect(result).toMatchObject({ state: 'done', totals: { items: 9, verified: 9 } });
  expect(order).toEqual([...Array(3).fill('organiser'), ...Array(6).fill('attendee')]);
});
