/** What stands in another folder of the source now: a run moves it in the target and counts it so, and `plan` says so. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import { addTo, removeFrom, setFlags } from '../../connectors/memory/store.js';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { finishRun } from '../../engine/run/close-run.js';
import { prepare } from '../../engine/run/open-run.js';
import { specHash } from '../../schemas/hash.js';
import type { SelectionWithAccounts } from '../../schemas/spec.js';
import type { PlanResult } from '../../words/plan.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const MIRROR = { deletions: 'mirror', maxDeletions: 0 } as const;
let server: LedgerServer;
let world: World;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
afterEach(() => world.close());

const mail = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@old.example>\r\n\r\nbody ${n}\r\n`);
const event = (n: number): Buffer =>
  Buffer.from(
    [
      ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', 'BEGIN:VEVENT', `UID:event-${n}`, 'DTSTAMP:20260101T000000Z'],
      ...['DTSTART:20260101T100000Z', `SUMMARY:event ${n}`, 'END:VEVENT', 'END:VCALENDAR', ''],
    ].join('\r\n'),
  );
const BODIES = { mail, calendar: event } as const;

function begin(kind: keyof typeof BODIES, selection: Partial<SelectionWithAccounts>): void {
  world = createWorld(server.ledger, { selection: { kind, ...selection } });
  for (let n = 1; n <= 6; n++) world.from.put(['Inbox'], { bytes: BODIES[kind](n) });
  world.from.put(['Archive'], { bytes: BODIES[kind](7) });
}

/** As a mail client does: another UID in another folder. */
function moveTo(account: MemoryAccount, from: string, to: string, count: number): void {
  const source = account.folder([from]);
  for (const uid of [...source.messages.keys()].slice(0, count)) addTo(account.folder([to]), removeFrom(source, uid));
}

async function run(): Promise<ClosedRun> {
  const closed = await world.run();
  if (!('totals' in closed)) throw new Error(`the run did not end: ${JSON.stringify(closed)}`);
  return closed;
}

async function planned(dryRun = false): Promise<PlanResult> {
  const { spec } = world;
  return plan(world.deps, { spec, specHash: specHash(spec), dryRun }, new AbortController().signal, () => {});
}

const STILL = { make: 0, create: 0, update: 0, remove: 0, moved: 0 };

describe.each(['mail', 'calendar'] as const)('%s', (kind) => {
  test.each([MIRROR, { deletions: 'ignore' } as const])(
    'moved to another folder, and to a new one: $deletions',
    async (selection) => {
      begin(kind, selection);
      await run();
      moveTo(world.from, 'Inbox', 'Archive', 2);
      moveTo(world.from, 'Inbox', 'Projects', 1);
      world.from.put(['Archive'], { bytes: BODIES[kind](8) });

      const first = await planned();
      const again = await planned();
      const dry = await planned(true);

      expect(first.totals).toMatchObject({ make: 1, create: 1, update: 0, remove: 0, moved: 3, unchanged: 4 });
      expect(first.containers.map((row) => [row.path, row.create, row.moved])).toEqual(
        expect.arrayContaining([
          ['Archive', 1, 2],
          ['Projects', 0, 1],
        ]),
      );
      expect(again).toEqual(first);
      expect(dry.totals).toMatchObject({ create: 1, remove: 0, moved: 3, unchanged: 4 });
      expect(first.notes.filter(({ note }) => note.includes('approve'))).toEqual([]);

      const { totals } = await run();

      expect(totals).toMatchObject({ created: 1, updated: 0, removed: 0, moved: 3, verified: 8, failures: 0 });
      expect((await planned()).totals).toMatchObject({ ...STILL, unchanged: 8 });
    },
  );

  test('a folder that was renamed: all it holds is moved', async () => {
    begin(kind, MIRROR);
    await run();
    const inbox = world.from.folder(['Inbox']);
    for (const uid of [...inbox.messages.keys()]) addTo(world.from.folder(['Mail']), removeFrom(inbox, uid));
    for (const [key, folder] of world.from.folders) if (folder === inbox) world.from.folders.delete(key);
    expect((await planned()).totals).toMatchObject({ create: 0, remove: 0, moved: 6, unchanged: 1 });
    expect((await run()).totals).toMatchObject({ created: 0, removed: 0, moved: 6, verified: 7 });
  });

  test('one of the same content that is new beside one that left: only one is moved', async () => {
    begin(kind, MIRROR);
    await run();
    moveTo(world.from, 'Inbox', 'Archive', 1);
    world.from.put(['Projects'], { bytes: BODIES[kind](1) });
    expect((await planned()).totals).toMatchObject({ create: 1, remove: 0, moved: 1, unchanged: 6 });
    expect((await run()).totals).toMatchObject({ created: 1, removed: 0, moved: 1, verified: 8 });
  });
});

test('flags that change in a later run are updates, and do not hide what the run did first', async () => {
  begin('mail', MIRROR);
  expect((await run()).totals).toMatchObject({ created: 7, updated: 0 });
  const inbox = world.from.folder(['Inbox']);
  const [first = 0] = inbox.messages.keys();
  setFlags(inbox, first, ['\\Flagged']);
  expect((await planned()).totals).toMatchObject({ ...STILL, update: 1, unchanged: 6 });
  expect((await run()).totals).toMatchObject({ created: 0, updated: 1, changed: 1, verified: 7 });
  expect((await planned()).totals).toMatchObject({ ...STILL, unchanged: 7 });
});

test('what a run has moved is not counted for the next one, which is cancelled before it begins', async () => {
  begin('mail', {});
  await run();
  moveTo(world.from, 'Inbox', 'Archive', 2);
  expect((await run()).totals).toMatchObject({ moved: 2 });

  const { spec, deps } = world;
  const request = { id: 'next', reason: 'apply', spec, specHash: specHash(spec) } as const;
  const next = await prepare(deps, { name: spec.name, request }, new AbortController().signal);
  const closed = await finishRun(deps, { name: spec.name, run: next.run, state: 'cancelled' });

  expect([next.totals.moved, closed.totals.moved]).toEqual([0, 0]);
});
