import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import { setBytes } from '../../connectors/memory/store.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { SliceResult } from '../../engine/slice/slice.js';
import type { Selection } from '../../schemas/spec.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const BOOK = ['Colleagues'];
let server: LedgerServer;
let world: World;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

function card(uid: string, fields: Record<string, string> = {}): Buffer {
  const lines = Object.entries({ FN: uid, ...fields }).map(([name, value]) => `${name}:${value}`);
  return Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, ...lines, 'END:VCARD', ''].join('\r\n'));
}

function held(account: MemoryAccount): string[] {
  const messages = [...account.folder(BOOK).messages.values()];
  return messages.map((m) => m.bytes.toString()).sort();
}

function edit(account: MemoryAccount, uid: string, fields: Record<string, string>): void {
  const folder = account.folder(BOOK);
  const found = [...folder.messages.values()].find((m) => m.bytes.includes(`UID:${uid}\r\n`));
  if (!found) throw new Error(`there is no ${uid}`);
  setBytes(folder, found.uid, card(uid, fields));
}

function drop(account: MemoryAccount, uid: string): void {
  const folder = account.folder(BOOK);
  const found = [...folder.messages.values()].find((m) => m.bytes.includes(`UID:${uid}\r\n`));
  if (!found) throw new Error(`there is no ${uid}`);
  folder.messages.delete(found.uid);
  folder.gone.set(found.uid, ++folder.modseq);
}

async function begin(selection: Partial<Selection> = {}): Promise<World> {
  world = createWorld(server.ledger, { selection: { kind: 'contacts', ...selection } });
  for (const uid of ['anna', 'bert', 'carl']) world.from.put(BOOK, { bytes: card(uid) });
  return world;
}

function closed(result: ClosedRun | SliceResult): ClosedRun {
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function run(selection?: Partial<Selection>): Promise<ClosedRun> {
  return closed(await world.run(selection ? { selection } : {}));
}

afterEach(async () => {
  await world.close();
});

test('moves contacts, carries edits, and writes nothing when nothing changed', async () => {
  await begin();
  expect((await run()).totals).toMatchObject({ items: 3, verified: 3, created: 3, failures: 0 });
  edit(world.from, 'bert', { ORG: 'Acme' });
  expect((await run()).totals).toMatchObject({ items: 3, verified: 3, created: 0, updated: 1, failures: 0 });
  expect(held(world.to)).toEqual(held(world.from));
  const before = { ...world.target.counts };
  expect((await run()).totals).toMatchObject({ verified: 3, created: 0, updated: 0, changed: 0 });
  expect(world.target.counts).toMatchObject({ create: before.create, update: before.update });
});

test('another version with the same content is no edit', async () => {
  await begin();
  await run();
  edit(world.from, 'bert', {});
  const { totals } = await run();
  expect(totals).toMatchObject({ verified: 3, updated: 0, changed: 0 });
  expect(world.target.counts.update).toBe(0);
});

const CONFLICTS = {
  skip: { target: ['home'], state: 'failed', conflicts: 1 },
  source: { target: ['work'], state: 'done', conflicts: 0 },
  target: { target: ['home'], state: 'done', conflicts: 0 },
  newest: { target: ['home'], state: 'done', conflicts: 0 },
  both: { target: ['home', 'work'], state: 'done', conflicts: 0 },
} as const;

for (const [onConflict, expected] of Object.entries(CONFLICTS)) {
  test(`edited on both sides: onConflict ${onConflict}`, async () => {
    await begin({ onConflict: onConflict as keyof typeof CONFLICTS });
    await run();
    edit(world.from, 'bert', { NOTE: 'work', REV: '20260101T000000Z' });
    edit(world.to, 'bert', { NOTE: 'home', REV: '20260202T000000Z' });
    const { state, totals } = await run();
    expect({ state, conflicts: totals.conflicts }).toEqual({ state: expected.state, conflicts: expected.conflicts });
    const notes = held(world.to).flatMap((text) => /NOTE:(\w+)/.exec(text)?.[1] ?? []);
    expect(notes.sort()).toEqual(expected.target);
  });
}

test('a conflict that a person settled is settled', async () => {
  await begin();
  await run();
  edit(world.from, 'bert', { NOTE: 'work' });
  edit(world.to, 'bert', { NOTE: 'home' });
  expect((await run()).totals.conflicts).toBe(1);
  expect((await run()).totals.conflicts).toBe(1);
  edit(world.to, 'bert', { NOTE: 'work' });
  expect((await run()).totals).toMatchObject({ conflicts: 0, verified: 3 });
});

test('adopts equal contacts and reports others of the same UID', async () => {
  await begin();
  world.to.put(BOOK, { bytes: card('anna') });
  world.to.put(BOOK, { bytes: card('bert', { NOTE: 'home' }) });
  const { totals } = await run();
  expect(totals).toMatchObject({ verified: 2, created: 1, conflicts: 1 });
  expect((await run({ onConflict: 'source' })).totals).toMatchObject({ verified: 3, updated: 1, conflicts: 0 });
  expect(held(world.to)).toEqual(held(world.from));
});

test('finds duplicates by e-mail, in the source and in the target', async () => {
  world = createWorld(server.ledger, {
    selection: { kind: 'contacts', match: ['uid', 'email'], withoutEmail: 'skip' },
  });
  world.from.put(BOOK, { bytes: card('anna', { EMAIL: 'Anna@old.example' }) });
  world.from.put(BOOK, { bytes: card('anna2', { EMAIL: 'anna@OLD.example' }) });
  world.from.put(BOOK, { bytes: card('bert', { EMAIL: 'bert@old.example' }) });
  world.from.put(BOOK, { bytes: card('carl') });
  world.to.put(BOOK, { bytes: card('b', { EMAIL: 'bert@old.example', NOTE: 'ours' }) });
  const { totals, state } = await run();
  expect(totals).toMatchObject({ created: 1, verified: 1, skipped: 3, failures: 0 });
  expect(state).toBe('done');
  const updated = await run({ onConflict: 'source' });
  expect(updated.totals).toMatchObject({ verified: 1, skipped: 3 });
});

test('finds duplicates that others added since the first run', async () => {
  world = createWorld(server.ledger, {
    selection: { kind: 'contacts', match: ['uid', 'email'], onConflict: 'source' },
  });
  world.from.put(BOOK, { bytes: card('anna', { EMAIL: 'anna@old.example' }) });
  await run();
  world.to.put(BOOK, { bytes: card('by-hand', { EMAIL: 'bert@old.example', NOTE: 'ours' }) });
  world.from.put(BOOK, { bytes: card('bert', { EMAIL: 'BERT@old.example' }) });
  expect((await run()).totals).toMatchObject({ verified: 2, created: 0, updated: 1, failures: 0 });
  expect(held(world.to).map((text) => /UID:([\w-]+)/.exec(text)?.[1])).toEqual(['anna', 'by-hand']);
});

test('deletions wait for approval, and spare what a person edited', async () => {
  await begin({ deletions: 'mirror', maxDeletions: 1 });
  await run();
  drop(world.from, 'anna');
  drop(world.from, 'bert');
  edit(world.to, 'bert', { NOTE: 'home' });
  const { totals } = await run();
  expect(totals).toMatchObject({ removed: 1, skipped: 1 });
  expect(held(world.to).map((text) => /UID:(\w+)/.exec(text)?.[1])).toEqual(['bert', 'carl']);
});

test('what the target cannot hold is noted, and proven in the form it holds', async () => {
  await begin();
  world.to.form = (body) => {
    const text = body.toString();
    return text.includes('NOTE')
      ? { body: Buffer.from(text.replace(/NOTE:.*\r\n/, '')), notes: ['NOTE is not kept'] }
      : { body };
  };
  edit(world.from, 'bert', { NOTE: 'work' });
  expect((await run()).totals).toMatchObject({ verified: 3 });
  const { rows } = await server.ledger.pool.query(
    `select i.reason from item i join container c on c.id = i.container
    join unit u on u.pairing = c.pairing where u.migration = $1 and i.reason is not null`,
    [world.spec.name],
  );
  expect(rows).toEqual([{ reason: 'NOTE is not kept' }]);
});

test('two-way: edits, additions and deletions of both sides meet', async () => {
  await begin({ mode: 'two-way', deletions: 'mirror', maxDeletions: 1 });
  world.to.put(BOOK, { bytes: card('dora') });
  world.to.put(BOOK, { bytes: card('anna') });
  expect((await run()).totals).toMatchObject({ items: 4, verified: 4, created: 3, failures: 0 });
  expect(held(world.to)).toEqual(held(world.from));

  edit(world.from, 'anna', { NOTE: 'from' });
  edit(world.to, 'bert', { NOTE: 'to' });
  drop(world.from, 'carl');
  drop(world.to, 'dora');
  world.from.put(BOOK, { bytes: card('emil') });
  world.to.put(BOOK, { bytes: card('fritz') });
  expect((await run()).totals).toMatchObject({
    items: 4,
    verified: 4,
    created: 2,
    updated: 2,
    removed: 2,
    failures: 0,
  });
  expect(held(world.to)).toEqual(held(world.from));
  expect(held(world.to).map((text) => /UID:(\w+)/.exec(text)?.[1])).toEqual(['anna', 'bert', 'emil', 'fritz']);

  const before = [{ ...world.source.counts }, { ...world.target.counts }];
  expect((await run()).totals).toMatchObject({ items: 4, verified: 4, changed: 0 });
  for (const [at, store] of [world.source, world.target].entries()) {
    for (const op of ['create', 'update', 'remove'] as const) expect(store.counts[op]).toBe(before[at]?.[op]);
  }
});

const BOTH_WAYS = {
  skip: { from: ['work'], to: ['home'] },
  source: { from: ['work'], to: ['work'] },
  target: { from: ['home'], to: ['home'] },
  newest: { from: ['home'], to: ['home'] },
  both: { from: ['home', 'work'], to: ['home', 'work'] },
} as const;

for (const [onConflict, expected] of Object.entries(BOTH_WAYS)) {
  test(`two-way, edited on both sides: onConflict ${onConflict}`, async () => {
    await begin({ mode: 'two-way', onConflict: onConflict as keyof typeof BOTH_WAYS });
    await run();
    edit(world.from, 'bert', { NOTE: 'work', REV: '20260101T000000Z' });
    edit(world.to, 'bert', { NOTE: 'home', REV: '20260202T000000Z' });
    const { totals } = await run();
    expect(totals.conflicts).toBe(onConflict === 'skip' ? 1 : 0);
    const notes = (account: MemoryAccount) =>
      held(account)
        .flatMap((text) => /NOTE:(\w+)/.exec(text)?.[1] ?? [])
        .sort();
    expect({ from: notes(world.from), to: notes(world.to) }).toEqual(expected);
    expect((await run()).totals.changed).toBe(0);
  });
}

test('two-way: an edit is worth more than a deletion', async () => {
  await begin({ mode: 'two-way', deletions: 'mirror', maxDeletions: 1 });
  await run();
  drop(world.from, 'anna');
  edit(world.to, 'anna', { NOTE: 'to' });
  drop(world.to, 'bert');
  edit(world.from, 'bert', { NOTE: 'from' });
  await run();
  expect(held(world.to)).toEqual(held(world.from));
  expect(held(world.to).length).toBe(3);
  expect((await run()).totals).toMatchObject({ changed: 0, items: 3, verified: 3 });
});
