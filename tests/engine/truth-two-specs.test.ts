/** Two migrations over the same accounts: what one has surveyed says nothing of what the other covers. */
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setFlags } from '../../connectors/memory/store.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { SliceResult } from '../../engine/slice/slice.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const OLD = '2019-03-01T10:22:03+01:00';
const NEW = '2026-03-01T10:22:03+01:00';
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);
const card = (uid: string, ...lines: string[]): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, ...lines, 'END:VCARD', ''].join('\r\n'));

/** Another migration over the systems of `first`. */
function another(first: World, name: string, options: WorldOptions = {}): World {
  const systems = {
    old: { type: 'memory', options: { name: first.source.name } },
    new: { type: 'memory', options: { name: first.target.name } },
  };
  return createWorld(server.ledger, { ...options, name, systems });
}

function fill({ from }: World, old: number, fresh: number): void {
  for (let n = 1; n <= old + fresh; n++) from.put(['INBOX'], { bytes: message(n), date: n > old ? NEW : OLD });
}

describe('a pilot with a filter, then the real spec', () => {
  it('moves and proves everything that the real spec covers', async () => {
    const pilot = createWorld(server.ledger, { selection: { include: { since: '2026-01-01' } } });
    const real = another(pilot, 'pilot-real');
    fill(pilot, 950, 50);

    const first = (await pilot.run()) as ClosedRun;
    const second = (await real.run()) as ClosedRun;
    const again = (await real.run()) as ClosedRun;

    expect(first).toMatchObject({ state: 'done', totals: { items: 50, verified: 50, created: 50 } });
    expect(second).toMatchObject({ state: 'done', totals: { items: 1_000, verified: 1_000, created: 950 } });
    expect(again).toMatchObject({ state: 'done', totals: { items: 1_000, verified: 1_000, created: 0, changed: 0 } });
    expect(pilot.to.folder(['INBOX']).messages.size).toBe(1_000);
    await pilot.close();
  });

  it('says of each run what that run did, in its report too', async () => {
    const pilot = createWorld(server.ledger, { selection: { include: { since: '2026-01-01' } } });
    const real = another(pilot, 'pilot-reports');
    fill(pilot, 3, 2);
    await pilot.run();
    await real.run();

    const { totals, rows } = await reportOf(real, server.ledger);
    const before = await reportOf(pilot, server.ledger);

    expect(totals).toMatchObject({ items: 5, results: { created: 3, unchanged: 2 } });
    // What another migration wrote has no run of this one.
    expect(rows.map((row) => row.run)).toEqual(['1', '1', '1', '', '']);
    expect(before.totals.results).toMatchObject({ created: 2 });
    await pilot.close();
  });

  it('finds an address book that the pilot took to be up to date', async () => {
    const pilot = createWorld(server.ledger, { selection: { kind: 'contacts', withoutEmail: 'skip' } });
    const real = another(pilot, 'pilot-book', { selection: { kind: 'contacts' } });
    for (const uid of ['anna', 'bert']) pilot.from.put(['Book'], { bytes: card(uid, `EMAIL:${uid}@acme.example`) });
    pilot.from.put(['Book'], { bytes: card('carl') });

    const first = (await pilot.run()) as ClosedRun;
    const second = (await real.run()) as ClosedRun;

    expect(first.totals).toMatchObject({ items: 3, verified: 2, skipped: 1 });
    expect(second).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, created: 1, skipped: 0 } });
    await pilot.close();
  });
});

describe('a spec under another name', () => {
  it('moves what arrived since', async () => {
    const first = createWorld(server.ledger);
    const renamed = another(first, 'renamed-mail');
    first.from.put(['INBOX'], { bytes: message(1) });
    await first.run();
    first.from.put(['INBOX'], { bytes: message(2) });

    const closed = (await renamed.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, created: 1 } });
    expect(first.to.folder(['INBOX']).messages.size).toBe(2);
    await first.close();
  });

  it('removes what was deleted with its folder while it had the old name', async () => {
    const selection = { deletions: 'mirror', maxDeletions: 1 } as const;
    const first = createWorld(server.ledger, { selection });
    const renamed = another(first, 'renamed-mirror', { selection });
    first.from.put(['INBOX'], { bytes: message(1) });
    first.from.put(['Old'], { bytes: message(2) });
    await first.run();
    first.from.folders.delete(JSON.stringify(['Old']));

    const closed = (await renamed.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, removed: 1 } });
    expect(first.to.folder(['Old']).messages.size).toBe(0);
    await first.close();
  });
});

describe('a listing that was cut off', () => {
  const INBOX = ['INBOX'];

  /** Ends the process when the listing of a long folder asks for its third page: the first is written down then. */
  async function cutOff(world: World): Promise<void> {
    for (let n = 1; n <= 2_010; n++) world.from.put(INBOX, { bytes: message(n) });
    expect(await world.run()).toMatchObject({ state: 'done' });
    const inbox = world.from.folder(INBOX);
    setFlags(inbox, 2_005, ['$Late']);
    // The server forgets what changed: the next run lists.
    inbox.forgotten = inbox.modseq;
    let pages = 0;
    world.source.fault = ({ op, when }) => {
      if (op === 'list' && when === 'before' && ++pages === 3) throw new Error('the process ends here');
    };
    await expect(world.run({ request: 'cut off' })).rejects.toThrow('ends here');
    world.source.fault = undefined;
  }

  const flagged = ({ to }: World): string[] =>
    [...to.folder(INBOX).messages.values()].flatMap(({ flags }) => flags).sort();

  it('is begun anew by a later run: a change made before that run is not missed', async () => {
    const world = createWorld(server.ledger);
    await cutOff(world);
    setFlags(world.from.folder(INBOX), 1, ['$DaysLater']);

    const next = (await world.run()) as ClosedRun;

    expect(next).toMatchObject({ state: 'done', totals: { verified: 2_010, changed: 2 } });
    expect(flagged(world)).toEqual(['$DaysLater', '$Late']);
    await world.close();
  });

  it('goes on where it was within the same run', async () => {
    const world = createWorld(server.ledger);
    await cutOff(world);
    world.source.resetCounts();

    const same = (await world.run({ request: 'cut off' })) as ClosedRun;

    expect(same).toMatchObject({ state: 'done', totals: { verified: 2_010, changed: 1 } });
    expect(world.source.counts.list).toBe(2);
    await world.close();
  });
});

describe('two migrations at once over the same accounts', () => {
  /** Takes turns, one slice each, `lead` slices of the first before the second begins. */
  async function interleave(first: World, second: World, lead: number): Promise<(ClosedRun | Error)[]> {
    const ends: (ClosedRun | Error | undefined)[] = [undefined, undefined];
    const walks = [first.slices(), second.slices()];
    const turn = async (at: number): Promise<void> => {
      if (ends[at]) return;
      const step = await (walks[at] as AsyncGenerator<SliceResult, ClosedRun | SliceResult>)
        .next()
        .catch((error: Error) => error);
      if (step instanceof Error) ends[at] = step;
      else if (step.done) ends[at] = step.value as ClosedRun;
    };
    for (let n = 0; n < lead; n++) await turn(0);
    while (ends.some((end) => end === undefined)) {
      await turn(1);
      await turn(0);
    }
    return ends as (ClosedRun | Error)[];
  }

  /** Several slices, though there is little to move. */
  function slowDown({ target }: World): void {
    target.fault = async ({ op, when }) => {
      if ((op === 'create' || op === 'readBack') && when === 'before') await setTimeout(20);
    };
  }

  const ANOTHER = /another migration over the same accounts changed what is to move.*/;

  /** It names the other one, or counts as pending what the other one has written down meanwhile. */
  function expectHonest(end: ClosedRun | Error | undefined): void {
    if (end instanceof Error) {
      expect(end.message).toMatch(ANOTHER);
      return;
    }
    expect(end).toMatchObject({ totals: { failures: 0, duplicates: 0 } });
    expect(end?.state).toBe(end?.totals.pending === 0 ? 'done' : 'failed');
  }

  it.each([0, 1, 2, 3])(
    'a pilot that is %i slices ahead and the full one double nothing and lose nothing',
    async (lead) => {
      const pilot = createWorld(server.ledger, {
        selection: { include: { since: '2026-01-01' } },
        settings: { sliceMs: 100, batchItems: 4 },
      });
      const full = another(pilot, `full-behind-${lead}`, { settings: { sliceMs: 100, batchItems: 4 } });
      fill(pilot, 12, 8);
      slowDown(pilot);

      const [first, second] = await interleave(pilot, full, lead);
      const [again, after] = [(await full.run()) as ClosedRun, (await pilot.run()) as ClosedRun];

      for (const end of [first, second]) expectHonest(end);
      if (!(second instanceof Error)) expect(second).toMatchObject({ totals: { items: 20, verified: 20 } });
      expect(again).toMatchObject({ state: 'done', totals: { items: 20, verified: 20, duplicates: 0 } });
      expect(after).toMatchObject({ state: 'done', totals: { failures: 0, pending: 0 } });
      expect(pilot.to.folder(['INBOX']).messages.size).toBe(20);
      expect(pilot.target.counts.create).toBe(20);
      await pilot.close();
    },
    60_000,
  );

  it.each([1, 2, 3])(
    'a full one that is %i slices ahead of a pilot does not end as done with less',
    async (lead) => {
      const pilot = createWorld(server.ledger, {
        selection: { include: { since: '2026-01-01' } },
        settings: { sliceMs: 100, batchItems: 4 },
      });
      const full = another(pilot, `full-ahead-${lead}`, { settings: { sliceMs: 100, batchItems: 4 } });
      fill(pilot, 12, 8);
      slowDown(pilot);

      const [first, second] = await interleave(full, pilot, lead);
      const again = (await full.run()) as ClosedRun;

      for (const end of [first, second]) expectHonest(end);
      if (!(first instanceof Error)) expect(first).toMatchObject({ totals: { items: 20, verified: 20 } });
      expect(again).toMatchObject({ state: 'done', totals: { items: 20, verified: 20, duplicates: 0 } });
      expect(pilot.target.counts.create).toBe(20);
      await pilot.close();
    },
    60_000,
  );

  it('the one that began first does not end as done when the other took back what it had written down', async () => {
    const pilot = createWorld(server.ledger, { selection: { include: { since: '2026-01-01' } } });
    const full = another(pilot, 'full-voided');
    fill(pilot, 12, 8);
    const first = full.slices();
    await first.next();

    const between = (await pilot.run()) as ClosedRun;
    const rest = async (): Promise<void> => {
      for await (const _ of first);
    };

    expect(between).toMatchObject({ state: 'done', totals: { items: 8, verified: 8, pending: 0 } });
    await expect(rest()).rejects.toThrow(ANOTHER);
    expect(await full.run()).toMatchObject({ state: 'done', totals: { items: 20, verified: 20, created: 12 } });
    expect(pilot.target.counts.create).toBe(20);
    await pilot.close();
  });
});
