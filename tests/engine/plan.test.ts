/** What `plan` promises, and that the run then keeps it; and that looking writes nothing anywhere. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { planLines } from '../../cli/plan-lines.js';
import type { Target } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { MemoryAccount, MemoryStore } from '../../connectors/memory/store.js';
import { setBytes } from '../../connectors/memory/store.js';
import { createMemoryTarget } from '../../connectors/memory/target.js';
import { doctor } from '../../engine/doctor/doctor.js';
import { plan } from '../../engine/plan/plan.js';
import { specHash } from '../../schemas/hash.js';
import type { Limits, SelectionWithAccounts, Spec } from '../../schemas/spec.js';
import type { PlanResult } from '../../words/plan.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { VIEW } from './plan-view.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const BOOK = ['Colleagues'];
const signal = new AbortController().signal;
let server: LedgerServer;
let world: World;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
afterEach(() => world.close());

function card(uid: string, fields: Record<string, string> = {}): Buffer {
  const lines = Object.entries({ FN: uid, ...fields }).map(([name, value]) => `${name}:${value}`);
  return Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, ...lines, 'END:VCARD', ''].join('\r\n'));
}

function find(account: MemoryAccount, uid: string): number {
  const found = [...account.folder(BOOK).messages.values()].find((m) => m.bytes.includes(`UID:${uid}\r\n`));
  if (!found) throw new Error(`there is no ${uid}`);
  return found.uid;
}

function edit(account: MemoryAccount, uid: string, fields: Record<string, string>): void {
  setBytes(account.folder(BOOK), find(account, uid), card(uid, fields));
}

function drop(account: MemoryAccount, uid: string): void {
  const folder = account.folder(BOOK);
  const number = find(account, uid);
  folder.messages.delete(number);
  folder.gone.set(number, ++folder.modseq);
}

function begin(
  selection: Partial<SelectionWithAccounts> = {},
  uids = ['anna', 'bert', 'carl'],
  limits: Limits = {},
): void {
  world = createWorld(server.ledger, { selection: { kind: 'contacts', name: 'book', ...selection }, limits });
  for (const uid of uids) world.from.put(BOOK, { bytes: card(uid) });
}

function asked(selection: Partial<SelectionWithAccounts>): Spec {
  return { ...world.spec, selections: world.spec.selections.map((one) => ({ ...one, ...selection })) };
}

/** Everything that a plan must leave as it is. */
async function standing(): Promise<unknown> {
  const account = (store: MemoryStore) =>
    [...store.accounts.values()].map((one) =>
      [...one.folders].map(([key, folder]) => [key, folder.modseq, folder.messages.size]),
    );
  const { rows } = await server.ledger.pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('slot', 'budget') order by 1`,
  );
  const tables: unknown[] = [];
  for (const { name } of rows) {
    const found = await server.ledger.pool.query(
      `select count(*) as n, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as sum from ${name} t`,
    );
    tables.push([name, found.rows[0]]);
  }
  const { counts: there } = world.target;
  const { create, update, meta, move, remove, ensure } = there;
  return {
    from: account(world.source),
    to: account(world.target),
    tables,
    there: { create, update, meta, move, remove, ensure },
  };
}

/** Plans, and checks that nothing was written. */
async function planned(selection: Partial<SelectionWithAccounts> = {}, dryRun = false): Promise<PlanResult> {
  const spec = asked(selection);
  const before = await standing();
  const made = await plan(world.deps, { spec, specHash: specHash(spec), dryRun }, signal, () => {});
  expect(await standing()).toEqual(before);
  return made;
}

/** Plans, runs, and compares what was promised with what was done. */
async function keptPromise(selection: Partial<SelectionWithAccounts> = {}): Promise<PlanResult['totals']> {
  const { totals, problems } = await planned(selection);
  expect(problems).toEqual([]);
  const copies = (): number => world.source.counts.create + world.target.counts.create;
  const before = copies();
  const run = await world.run({ selection });
  if (!('totals' in run)) throw new Error(`the run did not end: ${JSON.stringify(run)}`);
  const { updated, removed, conflicts } = run.totals;
  expect({ created: copies() - before, updated, removed, conflicts }).toEqual({
    created: totals.create,
    updated: totals.update,
    removed: totals.remove,
    conflicts: totals.conflict,
  });
  return totals;
}

const NOTHING = {
  make: 0,
  create: 0,
  update: 0,
  remove: 0,
  adopt: 0,
  skip: 0,
  conflict: 0,
  refuse: 0,
  changedThere: 0,
};

describe('one way', () => {
  test('into an empty target: everything is to create, the collection too', async () => {
    begin();
    expect(await keptPromise()).toMatchObject({ ...NOTHING, make: 1, create: 3, unchanged: 0 });
    expect(await keptPromise()).toMatchObject({ ...NOTHING, unchanged: 3 });
  });

  test('what the target holds already is not to create', async () => {
    begin();
    world.to.put(BOOK, { bytes: card('anna') });
    world.to.put(BOOK, { bytes: card('bert', { NOTE: 'home' }) });
    world.to.put(BOOK, { bytes: card('zora') });
    expect(await keptPromise()).toMatchObject({ ...NOTHING, create: 1, adopt: 1, conflict: 1 });
  });

  const POLICIES = {
    skip: { conflict: 1 },
    source: { update: 1 },
    target: { skip: 1 },
    newest: { skip: 1 },
  } as const;
  for (const [onConflict, expected] of Object.entries(POLICIES)) {
    const policy = { onConflict: onConflict as keyof typeof POLICIES };
    test(`edited on both sides: onConflict ${onConflict}`, async () => {
      begin(policy);
      await world.run();
      edit(world.from, 'bert', { NOTE: 'work', REV: '20260101T000000Z' });
      edit(world.to, 'bert', { NOTE: 'home', REV: '20260202T000000Z' });
      expect(await keptPromise(policy)).toMatchObject({ ...NOTHING, unchanged: 2, ...expected });
    });

    test(`another of the same UID in the target: onConflict ${onConflict}`, async () => {
      begin(policy);
      world.to.put(BOOK, { bytes: card('bert', { NOTE: 'home', REV: '20260202T000000Z' }) });
      edit(world.from, 'bert', { NOTE: 'work', REV: '20260101T000000Z' });
      expect(await keptPromise(policy)).toMatchObject({ ...NOTHING, create: 2, ...expected });
    });
  }

  test('both kept: one more is made, and both are said', async () => {
    begin({ onConflict: 'both' });
    await world.run();
    edit(world.from, 'bert', { NOTE: 'work' });
    edit(world.to, 'bert', { NOTE: 'home' });
    const { totals, notes } = await planned();
    expect(totals).toMatchObject({ ...NOTHING, create: 1, update: 1, unchanged: 2 });
    expect(notes).toEqual([{ where: 'book', note: 'edited on both sides; both were kept', count: 1 }]);
  });

  test('edits, another version of the same content, and what somebody changed in the target', async () => {
    begin();
    await world.run();
    edit(world.from, 'anna', { NOTE: 'work' });
    edit(world.from, 'bert', {});
    edit(world.to, 'carl', { NOTE: 'home' });
    expect(await keptPromise()).toMatchObject({ ...NOTHING, update: 1, unchanged: 2, changedThere: 1 });
  });

  test('duplicates by e-mail and contacts without one are skipped, and of two with one UID the second is refused', async () => {
    begin({ match: ['uid', 'email'], withoutEmail: 'skip' }, []);
    world.from.put(BOOK, { bytes: card('anna', { EMAIL: 'Anna@old.example' }) });
    world.from.put(BOOK, { bytes: card('anna2', { EMAIL: 'anna@OLD.example' }) });
    world.from.put(BOOK, { bytes: card('anna', { EMAIL: 'other@old.example' }) });
    world.from.put(BOOK, { bytes: card('bert', { EMAIL: 'bert@old.example' }) });
    world.from.put(BOOK, { bytes: card('carl') });
    world.to.put(BOOK, { bytes: card('b', { EMAIL: 'bert@old.example', NOTE: 'ours' }) });
    expect(await keptPromise()).toMatchObject({ ...NOTHING, create: 1, skip: 3, refuse: 1 });
    const again = await planned();
    expect(again.totals).toMatchObject({ ...NOTHING, unchanged: 1, skip: 3, refuse: 1 });
    const looser = await planned({ withoutEmail: 'move' });
    expect(looser.totals).toMatchObject({ create: 1, skip: 2 });
  });

  test('deletions: mirrored but for what was edited there, and braked', async () => {
    const mirror = { deletions: 'mirror', maxDeletions: 0.9 } as const;
    begin(mirror);
    await world.run();
    drop(world.from, 'anna');
    drop(world.from, 'bert');
    edit(world.to, 'bert', { NOTE: 'home' });
    expect((await planned({ deletions: 'ignore' })).totals).toMatchObject({ ...NOTHING, unchanged: 1 });
    const braked = await planned({ ...mirror, maxDeletions: 0.5 });
    expect(braked.notes).toContainEqual({
      where: 'book, unit 1, anna',
      note: 'deletions are more than the 50 % that may go at once: the run will wait for `migrate approve`, and `migrate plan --deletions FILE` names them',
      count: 2,
    });
    expect(await keptPromise(mirror)).toMatchObject({ ...NOTHING, remove: 1, skip: 1, unchanged: 1 });
  });

  test('an item under another key is neither new nor gone, edited or not', async () => {
    const mirror = { deletions: 'mirror', maxDeletions: 0 } as const;
    begin(mirror);
    await world.run();
    drop(world.from, 'anna');
    world.from.put(BOOK, { bytes: card('anna') });
    drop(world.from, 'bert');
    world.from.put(BOOK, { bytes: card('bert', { NOTE: 'edited' }) });
    expect(await keptPromise(mirror)).toMatchObject({ ...NOTHING, update: 1, unchanged: 2 });
  });

  test('a collection that left the source takes its items along', async () => {
    const mirror = { deletions: 'mirror', maxDeletions: 1 } as const;
    begin(mirror);
    await world.run();
    world.from.folders.clear();
    expect(await keptPromise(mirror)).toMatchObject({ ...NOTHING, remove: 3 });
  });

  test('one copy is taken for one item, and copies of known items for none', async () => {
    begin();
    world.from.put(['Friends'], { bytes: card('anna') });
    world.to.put(BOOK, { bytes: card('anna') });
    const merged = { map: { folders: { Friends: 'Colleagues' } } };
    expect(await keptPromise(merged)).toMatchObject({ ...NOTHING, create: 2, adopt: 1, skip: 1 });
    world.from.put(BOOK, { bytes: card('bert') });
    world.from.put(BOOK, { bytes: card('dora') });
    expect(await keptPromise(merged)).toMatchObject({ ...NOTHING, create: 1, unchanged: 3, skip: 2 });
  });

  test('collections that go to one place share what it holds', async () => {
    const merged = { map: { folders: { Friends: 'Colleagues' } } };
    begin(merged);
    world.from.put(['Friends'], { bytes: card('anna') });
    world.from.put(['Friends'], { bytes: card('dora') });
    world.to.put(BOOK, { bytes: card('bert') });
    expect(await keptPromise(merged)).toMatchObject({ ...NOTHING, create: 3, adopt: 1, skip: 1 });
  });
});

describe('dry run', () => {
  test('names what would be refused, and sums up what would be lost', async () => {
    begin();
    world.from.put(BOOK, { bytes: Buffer.from('no card at all') });
    world.to.form = (body) => {
      if (body.includes('UID:carl')) throw new Fault('refused', 'memory: no carls here');
      return { body, notes: ['FN is shortened'] };
    };
    const { totals, problems, notes } = await planned({}, true);
    expect(totals).toMatchObject({ create: 2, refuse: 2 });
    expect(problems).toMatchObject([
      { where: 'book, unit 1, anna: Colleagues 0000000003', problem: 'memory: no carls here' },
      { where: 'book, unit 1, anna: Colleagues 0000000004' },
    ]);
    expect(notes).toEqual([{ where: 'book', note: 'FN is shortened', count: 2 }]);
    const plain = await planned();
    expect(plain.problems).toEqual([]);
    expect(plain.notes).toContainEqual({ where: 'book', note: 'memory: no carls here', count: 1, what: 'refuse' });
  });

  test('mail: what stands in the target is looked at in a dry run only', async () => {
    const mail = (n: number) => ({ bytes: Buffer.from(`Message-ID: <${n}@old.example>\r\n\r\nbody ${n}\r\n`) });
    world = createWorld(server.ledger);
    for (const n of [1, 2, 2]) world.from.put(['INBOX'], mail(n));
    world.to.put(['INBOX'], mail(2));
    const plain = await planned();
    expect(plain.totals).toMatchObject({ create: 3, adopt: 0 });
    expect(plain.containers).toMatchObject([{ looked: false }]);
    expect(world.target.counts.scan).toBe(0);
    expect(world.source.counts.read).toBe(0);
    const dry = await planned({}, true);
    expect(dry.totals).toMatchObject({ ...NOTHING, create: 2, adopt: 1 });
    await world.run();
    expect((await planned()).totals).toMatchObject({ ...NOTHING, unchanged: 3 });
  });
});

describe('two-way', () => {
  const twoWay = { mode: 'two-way', deletions: 'mirror', maxDeletions: 1 } as const;

  test('a first run: each side gets what it lacks, equals are left alone', async () => {
    begin(twoWay);
    world.to.put(BOOK, { bytes: card('anna') });
    world.to.put(BOOK, { bytes: card('dora') });
    const { containers } = await planned(twoWay);
    expect(containers).toMatchObject([
      { path: 'Colleagues', create: 2, adopt: 1 },
      { path: 'Colleagues', back: true, create: 1, adopt: 0 },
    ]);
    expect(await keptPromise(twoWay)).toMatchObject({ ...NOTHING, create: 3, adopt: 1 });
    expect(await keptPromise(twoWay)).toMatchObject({ ...NOTHING, unchanged: 4 });
  });

  test('a second item of the UID of one that came from the other side is left out, by plan and run', async () => {
    begin(twoWay, []);
    world.to.put(BOOK, { bytes: card('anna') });
    await world.run();
    world.from.put(BOOK, { bytes: card('anna') });
    expect(await keptPromise(twoWay)).toMatchObject({ ...NOTHING, skip: 1, unchanged: 1 });
  });

  test('edits, additions and deletions of both sides', async () => {
    begin(twoWay);
    world.to.put(BOOK, { bytes: card('dora') });
    await world.run();
    edit(world.from, 'anna', { NOTE: 'from' });
    edit(world.to, 'bert', { NOTE: 'to' });
    drop(world.from, 'carl');
    drop(world.to, 'dora');
    world.from.put(BOOK, { bytes: card('emil') });
    world.to.put(BOOK, { bytes: card('fritz') });
    const { containers } = await planned(twoWay);
    expect(containers).toMatchObject([
      { create: 1, update: 1, remove: 1 },
      { back: true, create: 1, update: 1, remove: 1 },
    ]);
    expect(await keptPromise(twoWay)).toMatchObject({ ...NOTHING, create: 2, update: 2, remove: 2 });
  });

  // With one connection the target's versions cannot be listed beside it: copies are read instead.
  test.each([{}, { connectionsPerAccount: 1 }])('an edit is worth more than a deletion, limits %o', async (limits) => {
    begin(twoWay, ['anna', 'bert', 'carl', 'dora'], limits);
    await world.run();
    drop(world.from, 'anna');
    edit(world.to, 'anna', { NOTE: 'to' });
    drop(world.to, 'bert');
    edit(world.from, 'bert', { NOTE: 'from' });
    drop(world.from, 'carl');
    edit(world.from, 'dora', { NOTE: 'from' });
    world.target.resetCounts();
    const { containers } = await planned(twoWay);
    expect(containers).toMatchObject([
      { create: 1, update: 1, remove: 1 },
      { create: 1, update: 0, remove: 0 },
    ]);
    expect(world.target.counts.readBack).toBe(limits.connectionsPerAccount ? 4 : 1);
    await keptPromise(twoWay);
  });

  const POLICIES = {
    skip: [{ conflict: 1 }, {}],
    source: [{ update: 1 }, {}],
    target: [{}, { update: 1 }],
    newest: [{}, { update: 1 }],
  } as const;
  for (const [onConflict, [forth, back]] of Object.entries(POLICIES)) {
    test(`edited on both sides: onConflict ${onConflict}`, async () => {
      const selection = { ...twoWay, onConflict: onConflict as keyof typeof POLICIES };
      begin(selection);
      await world.run();
      edit(world.from, 'bert', { NOTE: 'work', REV: '20260101T000000Z' });
      edit(world.to, 'bert', { NOTE: 'home', REV: '20260202T000000Z' });
      const { containers } = await planned(selection);
      expect(containers).toMatchObject([
        { update: 0, conflict: 0, ...forth },
        { update: 0, conflict: 0, ...back },
      ]);
      await keptPromise(selection);
    });
  }
});

/** The world with another target: what a connector may lack or say of itself. */
function targetWith(changes: Partial<Target<unknown>>): World['deps'] {
  const { connections } = world.deps;
  return {
    ...world.deps,
    connections: {
      ...connections,
      async openTarget(opening, aborted) {
        const held = await connections.openTarget(opening, aborted);
        return { ...held, session: { ...held.session, ...changes } };
      },
    },
  };
}

test('a target that mails attendees makes the plan fail, and says what to do', async () => {
  begin();
  const told = { name: 'invitations', value: 'mails attendees', problem: 'turn scheduling off on the server' };
  const deps = targetWith({ describe: async () => [told] });
  const made = await plan(deps, { spec: world.spec, specHash: '', dryRun: false }, signal, () => {});
  expect(made.problems).toMatchObject([
    {
      where: 'book, unit 1, anna: target',
      problem: 'invitations: mails attendees',
      next: 'turn scheduling off on the server',
    },
  ]);
});

test('a target that cannot be looked at without making is not looked at, and that is said', async () => {
  begin();
  world.to.put(BOOK, { bytes: card('anna') });
  const { find: _find, ...blind } = createMemoryTarget(world.target, 'anna', 'contacts');
  const connections = {
    ...world.deps.connections,
    openTarget: async () => ({ session: blind as Target<unknown>, done: async () => {} }),
  };
  const input = { spec: world.spec, specHash: '', dryRun: false };
  const made = await plan({ ...world.deps, connections }, input, signal, () => {});
  expect(made.containers).toMatchObject([{ looked: false, make: false, create: 3, adopt: 0 }]);
  expect(planLines(made, VIEW).join('\n')).toContain('not looked for');
});

describe('what is shown', () => {
  test('signs and columns only where there is something, and the sum last', async () => {
    begin();
    expect(planLines(await planned(), VIEW)).toEqual([
      expect.stringMatching(/^move-.*: what a run would do$/),
      '',
      '  + create',
      '',
      'book: old to new, 1 account',
      expect.stringMatching(/^ {2}Colleagues \(new\) {2}\+3 {2}\d+ bytes$/),
      '  0 unchanged',
      '',
      expect.stringMatching(/^Plan: 3 to add \(.+\), 0 to change, 0 to remove, 1 address book to make$/),
    ]);
  });

  test('nothing to do', async () => {
    begin();
    await world.run();
    expect(planLines(await planned(), VIEW).slice(1)).toEqual([
      '',
      'book: old to new, 1 account',
      '  3 unchanged',
      '',
      'Plan: nothing to do',
    ]);
  });

  test('both ways, conflicts and why', async () => {
    begin({ mode: 'two-way' });
    world.to.put(BOOK, { bytes: card('bert', { NOTE: 'home' }) });
    world.to.put(BOOK, { bytes: card('dora') });
    const lines = planLines(await planned(), VIEW);
    expect(lines).toContain('  + create   ! in conflict or refused   ← back to the source');
    expect(lines).toContain('book: old ⇄ new, 1 account');
    expect(lines.filter((line) => /^ {2}(← )?Colleagues /.test(line)).length).toBe(2);
    expect(lines).toContain('  1  in conflict: the target holds another with the same UID (book)');
    expect(lines.at(-1)).toMatch(/^Plan: 3 to add .*; 1 in conflict$/);
  });
});

test('problems of one account leave the others planned', async () => {
  const accounts = ['anna', 'bert'].map((name) => ({ from: name, to: name }));
  begin({ accounts });
  world.source.account('bert');
  world.target.account('bert').locked = 'password expired';
  const { problems, totals } = await planned({ accounts });
  expect(problems).toMatchObject([
    { where: 'book, unit 2, bert', problem: 'memory: password expired', next: 'unlock the account' },
  ]);
  expect(totals.create).toBe(3);
});

test('a plan of more than one message takes counts everything, and lists what fits', async () => {
  world = createWorld(server.ledger);
  const path = (n: number): string[] => [`${n}`, 'a folder with a long name, as people give them '.repeat(8)];
  for (let n = 0; n < 1_200; n++) world.from.put(path(n), { bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\nbody`) });

  const made = await plan(
    world.deps,
    { spec: world.spec, specHash: specHash(world.spec), dryRun: false },
    signal,
    () => {},
  );

  expect(made).toMatchObject({ truncated: true, totals: { create: 1_200 } });
  expect(JSON.stringify(made).length).toBeLessThan(1_000_000);
});

test('doctor opens a system for each kind and role it is used in', async () => {
  begin();
  const [book] = world.spec.selections as [SelectionWithAccounts];
  const selections: SelectionWithAccounts[] = [book, { ...book, name: 'events', kind: 'calendar', mode: 'two-way' }];
  const checks = await doctor(world.deps, { spec: { ...world.spec, selections } }, signal);
  expect([...new Set(checks.map((check) => check.subject))]).toEqual([
    'ledger',
    'source old (contacts)',
    'source old (calendar)',
    'source old (calendar) as target',
    'target new (contacts)',
    'target new (calendar)',
    'target new (calendar) as source',
  ]);
  expect(checks.filter((check) => check.check === 'credentials').length).toBe(6);
});
