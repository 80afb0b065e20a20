/** Folders that the spec leaves out, by role, by name or because others own them: left alone, and counted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resultLines } from '../../cli/result-lines.js';
import type { Role } from '../../connectors/contract.js';
import { removeFrom } from '../../connectors/memory/store.js';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import type { SelectionWithAccounts } from '../../schemas/spec.js';
import type { PlanResult } from '../../words/plan.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const NO_JUNK: Partial<SelectionWithAccounts> = { exclude: { roles: ['junk', 'trash'] } };
const message = (name: string): Buffer => Buffer.from(`Message-ID: <${name}@x>\r\nSubject: s\r\n\r\nbody\r\n`);

function fill(world: World, path: readonly string[], messages: number, role?: Role): void {
  world.from.folder(path, role);
  for (let n = 0; n < messages; n++) world.from.put(path, { bytes: message(`${path.join('.')}-${n}`) });
}

/** A mailbox as a German mail program leaves it. */
function german(selection: Partial<SelectionWithAccounts>): World {
  const world = createWorld(server.ledger, { selection });
  fill(world, ['INBOX'], 2);
  fill(world, ['Spamverdacht'], 3, 'junk');
  fill(world, ['Papierkorb'], 1, 'trash');
  fill(world, ['Papierkorb', 'Alte Projekte'], 4);
  return world;
}

const planOf = ({ spec, deps }: World, selection: Partial<SelectionWithAccounts> = {}): Promise<PlanResult> => {
  const asked = { ...spec, selections: spec.selections.map((one) => ({ ...one, ...selection })) };
  const input = { spec: asked, specHash: specHash(asked), dryRun: false };
  return plan(deps, input, new AbortController().signal, () => {});
};
const folders = ({ to }: World): string[] => [...to.folders.values()].map(({ path }) => path.join('/')).sort();
const rulesOf = async (world: World): Promise<unknown> =>
  ((await reportOf(world, server.ledger)) as unknown as { leftOut: unknown }).leftOut;

const LEFT_OUT = [
  {
    selection: 'mail',
    rule: 'exclude.roles trash',
    containers: 2,
    units: 1,
    items: 5,
    first: [
      { unit: 1, path: 'Papierkorb' },
      { unit: 1, path: 'Papierkorb/Alte Projekte' },
    ],
  },
  {
    selection: 'mail',
    rule: 'exclude.roles junk',
    containers: 1,
    units: 1,
    items: 3,
    first: [{ unit: 1, path: 'Spamverdacht' }],
  },
];

describe('folders left out by their role', () => {
  it('do not move, with all that lies in them, whatever they are called; plan, console and report count them', async () => {
    const world = german(NO_JUNK);

    const planned = await planOf(world);
    const closed = (await world.run()) as ClosedRun;

    expect(planned.leftOut).toEqual(LEFT_OUT);
    expect(planned.containers.map(({ path }) => path)).toEqual(['INBOX']);
    expect(folders(world)).toEqual(['INBOX']);
    expect(closed).toMatchObject({
      state: 'done',
      totals: { items: 2 },
      leftOut: { kinds: { mail: 3 }, items: 8 },
    });
    const { totals: runTotals, counters: totals, ...rest } = closed;
    const said = resultLines({ name: 'acme', ...rest, ...{ units: 1, done: 1, failed: 0 }, totals });
    expect(runTotals.items).toBe(2);
    expect(said).toContain('3 folders left out by the spec (8 items)');
    expect(await rulesOf(world)).toEqual(LEFT_OUT);
    await world.close();
  });

  it('are counted anew by each run, and also when nothing else changed', async () => {
    const world = german(NO_JUNK);
    await world.run();
    fill(world, ['Spamverdacht'], 2, 'junk');
    world.from.folders.delete(JSON.stringify(['Papierkorb', 'Alte Projekte']));

    const closed = (await world.run()) as ClosedRun;
    const again = (await world.run()) as ClosedRun;

    expect(closed.leftOut).toEqual({ kinds: { mail: 2 }, items: 6 });
    expect(again.leftOut).toEqual(closed.leftOut);
    await world.close();
  });

  it('that moved before stay as they are in the target, and vanish from the source without a trace there', async () => {
    const mirror = { deletions: 'mirror', maxDeletions: 1 } as const;
    const world = german(mirror);
    await world.run();
    for (const path of [['Papierkorb'], ['Papierkorb', 'Alte Projekte']])
      world.from.folders.delete(JSON.stringify(path));

    const planned = await planOf(world, { ...mirror, ...NO_JUNK });
    const closed = (await world.run({ selection: { ...mirror, ...NO_JUNK } })) as ClosedRun;

    expect(planned.totals.remove).toBe(0);
    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, removed: 0 }, leftOut: { kinds: { mail: 1 } } });
    expect(folders(world)).toContain('Papierkorb/Alte Projekte');
    await world.close();
  });
});

describe('folders chosen by their role', () => {
  it('move with what lies in them; the inbox stands for itself alone', async () => {
    const world = german({ include: { roles: ['inbox', 'sent'] } });
    fill(world, ['INBOX', 'Kunden'], 1);
    fill(world, ['Gesendet'], 1, 'sent');
    fill(world, ['Gesendet', '2024'], 1);

    const closed = (await world.run()) as ClosedRun;

    expect(folders(world)).toEqual(['Gesendet', 'Gesendet/2024', 'INBOX']);
    expect(closed).toMatchObject({ state: 'done', leftOut: { kinds: { mail: 4 } } });
    await world.close();
  });
});

it('names the glob that leaves a folder out, and says of a role to be moved that fits nothing', async () => {
  const world = german({
    include: { folders: ['INBOX', 'Papierkorb/**'] },
    exclude: { folders: ['**/Alte*'], roles: ['archive'] },
  });

  const planned = await planOf(world);

  expect(planned.leftOut?.map(({ rule, containers }) => [rule, containers])).toEqual([
    ['exclude.folders "**/Alte*"', 1],
    ['include.folders', 1],
  ]);
  const chosen = german({ include: { roles: ['inbox', 'archive'] } });
  expect(planned.notes).toEqual([]);
  expect((await planOf(chosen)).notes.map(({ note }) => note)).toEqual([
    'include.roles archive fits nothing in the source',
  ]);
  await world.close();
  await chosen.close();
});

it('says of a folder that it moves, though it is called like one that is left out', async () => {
  const world = german(NO_JUNK);
  fill(world, ['Trash'], 1);

  const planned = await planOf(world);

  expect(planned.containers.map(({ path }) => path)).toEqual(['INBOX', 'Trash']);
  expect(planned.notes).toEqual([
    {
      where: 'mail',
      note: 'the folder "Trash" moves: the source has another for trash; to leave it out, too, name it in exclude.folders',
      count: 1,
    },
  ]);
  await world.close();
});

describe('messages that a filter leaves out', () => {
  const SINCE = { include: { since: '2026-01-01' } };
  const mail = (world: World, name: string, year: number): void => {
    world.from.put(['INBOX'], { bytes: message(name), date: `${year}-05-01T00:00:00Z` });
  };
  const excludedIn = async (world: World, selection: Partial<SelectionWithAccounts>): Promise<unknown> => {
    const { containers } = await planOf(world, selection);
    const { totals } = await reportOf(world, server.ledger);
    return { plan: containers[0]?.excluded, report: totals.excluded, items: totals.items };
  };

  it('are counted alike by plan and report, also by a run that only looks at what changed', async () => {
    const world = createWorld(server.ledger, { selection: SINCE });
    for (const name of ['a', 'b', 'c']) mail(world, name, 2019);
    mail(world, 'd', 2026);
    await world.run();
    const first = await excludedIn(world, SINCE);
    for (const name of ['e', 'f']) mail(world, name, 2020);
    mail(world, 'g', 2026);
    removeFrom(world.from.folder(['INBOX']), 1);
    await world.run();
    const second = await excludedIn(world, SINCE);
    await world.run();

    expect(first).toEqual({ plan: 3, report: 3, items: 1 });
    expect(second).toEqual({ plan: 4, report: 4, items: 2 });
    expect(await excludedIn(world, SINCE)).toEqual(second);
    await world.close();
  });

  it('are no more among them when they have been moved before: numbers add up to what the source holds', async () => {
    const world = createWorld(server.ledger);
    mail(world, 'a', 2019);
    mail(world, 'b', 2026);
    await world.run();
    mail(world, 'c', 2019);
    const planned = await planOf(world, SINCE);
    await world.run({ selection: SINCE });

    expect(planned.containers[0]).toMatchObject({ unchanged: 2, excluded: 1, create: 0 });
    expect(await excludedIn(world, SINCE)).toEqual({ plan: 1, report: 1, items: 2 });
    await world.close();
  });
});
