/** Two real DAV accounts, and what happens between them that is more than a stumble: other writers, losses, waits. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestCalendar } from '../../connectors/kinds/calendar.js';
import { samples } from '../conformance/items.js';
import { event } from '../conformance/odd-events.js';
import {
  asks,
  davError,
  ignoresIfNoneMatch,
  isPut,
  pagesChanges,
  reply,
  rewrites,
  spellsHrefsAnew,
  withoutSyncCollection,
} from '../servers/dav-behaviours.js';
import type { DavStage, DavWorld, DavWorldOptions } from './dav-world.js';
import { digestsIn, expectDone, expectQuiet, expectSame, startDavStage, writesOf } from './dav-world.js';

const WORK = ['Work'];
const HOME = ['Home'];
let stage: DavStage;
beforeAll(async () => {
  stage = await startDavStage(60);
});
afterAll(() => stage?.stop());

/** A migration of so many events in one calendar. */
async function story(items: number, options?: DavWorldOptions): Promise<DavWorld> {
  const world = await stage.between(options);
  for (let n = 0; n < items; n++) await world.from.put(WORK, event(n));
  return world;
}

const edited = (n: number): Buffer => samples.calendar.edited(n);
const nameOf = (n: number): string => `other plain-${String(n).padStart(6, '0')}@events.example.ics`;
const digests = (...bodies: Buffer[]): string[] => bodies.map(digestCalendar).sort();

/** What became of items that did not arrive. */
async function reasons(world: DavWorld): Promise<string[]> {
  const { rows } = await stage.ledger.ledger.pool.query<{ line: string }>(
    `select i.outcome || ': ' || i.reason as line from item i join container c on c.id = i.container
     join unit u on u.pairing = c.pairing where u.migration = $1 and i.outcome not in ('verified', 'arrived') order by 1`,
    [world.name],
  );
  return rows.map((row) => row.line);
}

it('keeps what another program puts under the same UID while we write, and says so', async () => {
  const world = await story(4);
  world.toTarget.add({
    when: isPut,
    times: 2,
    // The first one is the same, the second one is another.
    meanwhile: async () => {
      const taken = (await world.to.stored(WORK)).length;
      await world.to.put(WORK, taken === 0 ? event(0) : edited(1));
    },
  });
  const { result } = await world.run();
  expect(result).toMatchObject({ state: 'failed', totals: { verified: 3, conflicts: 1, duplicates: 0 } });
  expect(await digestsIn(world.to, WORK)).toEqual(digests(event(0), edited(1), event(2), event(3)));
  expectDone(await world.run({ onConflict: 'source' }), { verified: 4 });
  await expectSame(world, WORK);
  await world.close();
});

it('does not overwrite what a person wrote where If-None-Match is ignored', async () => {
  const world = await story(3);
  world.toTarget.add(ignoresIfNoneMatch);
  // The very name that our own copy would get.
  await world.to.makeContainer('Work', 'work');
  const name = 'plain-000001@events.example.ics';
  await world.to.edit(WORK, name, edited(1));
  const { result } = await world.run();
  expect(result).toMatchObject({ totals: { verified: 2, conflicts: 1 } });
  expect(await digestsIn(world.to, WORK)).toEqual(digests(event(0), edited(1), event(2)));
  await world.close();
});

it('loses no edit that is made in the target between our look and our update', async () => {
  const world = await story(3);
  expectDone(await world.run());
  await world.from.edit(WORK, nameOf(1), edited(1));
  const theirs = Buffer.from(String(event(1)).replace('SUMMARY:', 'SUMMARY:Theirs '));
  const name = 'plain-000001@events.example.ics';
  world.toTarget.add({
    when: (asked) => isPut(asked) && asked.headers['if-match'] !== undefined,
    times: 1,
    meanwhile: () => world.to.edit(WORK, name, theirs),
  });
  const { result } = await world.run();
  expect(result).toMatchObject({ totals: { conflicts: 1, updated: 0 } });
  expect(await digestsIn(world.to, WORK)).toEqual(digests(event(0), theirs, event(2)));
  await world.close();
});

it('leaves a copy that was edited while its deletion was under way', async () => {
  const world = await story(6, { selection: { deletions: 'mirror', maxDeletions: 1 } });
  expectDone(await world.run());
  await world.from.drop(WORK, nameOf(1));
  await world.from.drop(WORK, nameOf(2));
  const name = 'plain-000001@events.example.ics';
  const theirs = edited(1);
  world.toTarget.add({
    when: ({ method, path }) => method === 'DELETE' && decodeURIComponent(path).endsWith(name),
    times: 1,
    meanwhile: () => world.to.edit(WORK, name, theirs),
  });
  await world.run();
  expect(await digestsIn(world.to, WORK)).toEqual(digests(event(0), theirs, event(3), event(4), event(5)));
  await world.close();
});

it.each([
  ['by sync-collection, in pages of two', () => pagesChanges(2)],
  ['by CTag', () => withoutSyncCollection],
] as const)('carries changes %s', async (_, rule) => {
  const world = await story(9, { selection: { deletions: 'mirror', maxDeletions: 1 } });
  const used = world.toSource.add(rule());
  expectDone(await world.run());
  for (const n of [0, 2, 4]) await world.from.edit(WORK, nameOf(n), edited(n));
  for (const n of [1, 3]) await world.from.drop(WORK, nameOf(n));
  for (const n of [20, 21]) await world.from.put(WORK, event(n));
  expectDone(await world.run(), { verified: 9, updated: 3, removed: 2, created: 2 });
  await expectSame(world, WORK);
  expect(used.used).toBeGreaterThan(1);
  expectDone(await world.run(), { changed: 0 });
  await world.close();
});

it('lists again when its token has expired, and misses nothing', async () => {
  const world = await story(6, { selection: { deletions: 'mirror', maxDeletions: 1 } });
  expectDone(await world.run());
  await world.from.edit(WORK, nameOf(0), edited(0));
  await world.from.drop(WORK, nameOf(1));
  const expired = world.toSource.add({
    when: asks('REPORT', 'sync-collection'),
    reply: () => davError(403, '<D:valid-sync-token/>'),
  });
  expectDone(await world.run(), { verified: 5, updated: 1, removed: 1 });
  expect(expired.used).toBe(1);
  await expectSame(world, WORK);
  await expectQuiet(world);
  await world.close();
});

it('asks again for what it was told, when the run ended before it was written', async () => {
  const world = await story(4);
  expectDone(await world.run());
  await world.from.edit(WORK, nameOf(0), edited(0));
  await world.from.put(WORK, event(9));
  // The feed is read to its end; then reading the items fails, again and again.
  const broken = world.toSource.add({ when: asks('REPORT', 'multiget'), times: 4, cut: 'before' });
  world.toSource.add({ when: asks('GET'), times: 2, cut: 'before' });
  world.toSource.add({
    when: ({ method, headers }) => method === 'PROPFIND' && headers.depth === '0',
    times: 4,
    cut: 'before',
  });
  const ran = await world.run();
  expect([broken.used, ran.faults.length]).not.toContain(0);
  expectDone(ran, { verified: 5 });
  await expectSame(world, WORK);
  await world.close();
});

it('goes on with a calendar that vanishes from the source, without taking that for deletions', async () => {
  const world = await story(10, { selection: { deletions: 'ignore' } });
  for (let n = 30; n < 34; n++) await world.from.put(HOME, event(n));
  const vanish = world.toSource.add({
    when: asks('REPORT', 'multiget'),
    times: 1,
    meanwhile: () => world.from.dropContainer(HOME),
  });
  await world.run();
  expect(vanish.used).toBe(1);
  expectDone(await world.run());
  await expectSame(world, WORK);
  await world.close();
});

it('makes a calendar anew that vanishes from the target during the run, and names what it had held', async () => {
  const world = await story(12);
  const vanish = world.toTarget.add({
    when: (asked) => isPut(asked) && asked.path.includes('000007'),
    times: 1,
    meanwhile: () => world.to.dropContainer(WORK),
  });
  const { result } = await world.run();
  expect(vanish.used).toBe(1);
  // Whoever removed it may have meant it: what had arrived is not written again unasked.
  const missing = 12 - (await world.to.stored(WORK)).length;
  expect(result).toMatchObject({ state: 'failed', totals: { verified: 12 - missing, failures: missing } });
  expect(await reasons(world)).toEqual(Array(missing).fill(expect.stringMatching(/^missing: /)));
  expectDone(await world.run({}, 'retry'), { verified: 12 });
  await expectSame(world, WORK);
  await expectQuiet(world);
  await world.close();
});

it.each([
  ['credentials', 401, ''],
  ['quota', 507, '<D:quota-not-exceeded/>'],
] as const)('waits at the gate %s, and goes on from there', async (gate, status, inner) => {
  const world = await story(9);
  let puts = 0;
  world.toTarget.add({
    when: isPut,
    reply: () => (++puts > 4 ? davError(status, inner) : undefined),
  });
  const { result } = await world.run();
  expect(result).toMatchObject({ state: 'parked', gate });
  const there = (await world.to.stored(WORK)).length;
  expect(there).toBeGreaterThan(0);
  world.toTarget.clear();
  expectDone(await world.run(), { verified: 9 });
  expect(writesOf(world.toTarget).length).toBe(9 - there);
  await expectSame(world, WORK);
  await world.close();
});

it('leaves a server alone as long as Retry-After says', async () => {
  const world = await story(6);
  const at: number[] = [];
  world.toTarget.add({
    when: isPut,
    reply: () => (at.push(Date.now()) === 3 ? reply(503, { 'retry-after': '2' }) : undefined),
  });
  const ran = await world.run();
  expectDone(ran, { verified: 6 });
  expect(ran.faults).toEqual(['throttled']);
  expect((at[3] as number) - (at[2] as number)).toBeGreaterThanOrEqual(2_000);
  await expectSame(world, WORK);
  await world.close();
});

it('reports what the target alters, and does not call it arrived', async () => {
  const world = await story(4);
  world.toTarget.add(
    rewrites((body) => (body.includes('Meeting 2') ? body.replace(/\r\nDESCRIPTION:[^\r]*/, '') : body)),
  );
  const { result } = await world.run();
  expect(result).toMatchObject({ state: 'failed', totals: { verified: 3, failures: 1 } });
  expect(await reasons(world)).toEqual([expect.stringMatching(/^altered/)]);
  await world.close();
});

it('refuses one item that the server refuses, and writes its neighbours', async () => {
  const world = await story(20, { selection: { maxFailures: 1 } });
  world.toTarget.add({
    when: ({ method, body }) => method === 'PUT' && body.includes('Meeting 7'),
    reply: () => davError(403, '<C:valid-calendar-data/>'),
  });
  const { result } = await world.run();
  expect(result).toMatchObject({ totals: { items: 20, verified: 19, failures: 1 } });
  expect(await reasons(world)).toEqual([expect.stringMatching(/^refused: .*valid-calendar-data/)]);
  await world.close();
});

it('moves items whose UID is there twice, in one calendar or in two, once, and says so', async () => {
  const world = await story(3);
  await world.from.put(HOME, event(1));
  await world.from.put(HOME, edited(2));
  await world.from.put(HOME, event(8));
  const { result } = await world.run();
  expect(result).toMatchObject({ totals: { items: 6, duplicates: 0 } });
  const held = [...(await world.to.stored(WORK)), ...(await world.to.stored(HOME))];
  const uids = held.map((body) => /UID:(\S+)/.exec(String(body))?.[1]).sort();
  expect([...new Set(uids)].length).toBe(4);
  const before = await reasons(world);
  world.toTarget.clear();
  await world.run();
  expect(writesOf(world.toTarget)).toEqual([]);
  expect(await reasons(world)).toEqual(before);
  await world.close();
});

it('keeps items apart whose hrefs are odd, however the server spells them', async () => {
  const world = await story(0);
  await world.from.makeContainer('Work', "w ö+r%k'&;,@(1)");
  const names = [
    'ä ö.ics',
    '100%.ics',
    'a+b.ics',
    'a b.ics',
    "q'&;,=.ics",
    '%41.ics',
    'A.ics',
    'a.ics',
    'no-suffix',
    '日本.ics',
  ];
  for (const [n, name] of names.entries()) await world.from.edit(WORK, name, event(n));
  for (const proxy of [world.toSource, world.toTarget]) proxy.add(spellsHrefsAnew(() => proxy.url));
  expectDone(await world.run(), { verified: names.length });
  await expectSame(world, WORK);
  await world.from.edit(WORK, '%41.ics', edited(5));
  expectDone(await world.run(), { verified: names.length, updated: 1, created: 0 });
  await expectSame(world, WORK);
  await world.close();
});

it('keeps both sides in step behind servers that change ETags and tell none', async () => {
  const both = { selection: { mode: 'two-way', deletions: 'mirror', maxDeletions: 1, onConflict: 'newest' } } as const;
  const world = await story(5, both);
  await world.to.put(WORK, event(40));
  for (const proxy of [world.toSource, world.toTarget]) {
    proxy.add(rewrites((body) => body.replace(/\r\nPRODID:[^\r]*/, '\r\nPRODID:-//Own//EN')));
  }
  expectDone(await world.run(), { verified: 6 });
  await expectSame(world, WORK);
  await expectQuiet(world);
  await world.from.edit(WORK, nameOf(0), edited(0));
  await world.from.drop(WORK, nameOf(1));
  await world.to.edit(WORK, 'plain-000002@events.example.ics', edited(2));
  await world.to.drop(WORK, 'plain-000003@events.example.ics');
  expectDone(await world.run(), { verified: 4, updated: 2, removed: 2 });
  await expectSame(world, WORK);
  expect(await digestsIn(world.from, WORK)).toEqual(digests(edited(0), edited(2), event(4), event(40)));
  await expectQuiet(world);
  await world.close();
});
