/**
 * The line to a real Radicale breaks at every single request that changes something, before the server hears of it and
 * after it has done it: each time both sides end up as without, and a further run writes nothing.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Selection } from '../../schemas/spec.js';
import type { ItemKind } from '../conformance/items.js';
import { samples } from '../conformance/items.js';
import type { DavAsked, Rule } from '../servers/dav-proxy.js';
import type { DavStage, DavWorld } from './dav-world.js';
import { CHANGING, digestsIn, expectDone, expectQuiet, startDavStage, writesOf } from './dav-world.js';

const TEAM = ['Team'];
/** After each break the target's quiet time is waited for: stories wait together. */
const AT_ONCE = 6;
let stage: DavStage;
beforeAll(async () => {
  stage = await startDavStage(500);
});
afterAll(() => stage?.stop());

interface Told {
  readonly world: DavWorld;
  readonly faults: number;
}

/** A first run into a collection that holds something, then a later one that meets every kind of change. */
async function tell(kind: ItemKind, selection: Partial<Selection>, rule?: Rule): Promise<Told> {
  const world = await stage.between({
    kind,
    selection: { deletions: 'mirror', maxDeletions: 1, ...selection },
    batchItems: 2,
  });
  const { plain, edited } = samples[kind];
  if (rule) for (const proxy of [world.toSource, world.toTarget]) proxy.add(rule);
  const names: string[] = [];
  for (let n = 0; n < 5; n++) names.push(await world.from.put(TEAM, plain(n)));
  await world.to.put(['Other'], plain(50));
  const first = await world.run();
  expectDone(first);
  const [zero, one] = names as [string, string];
  await world.from.edit(TEAM, zero, edited(0));
  await world.from.drop(TEAM, one);
  await world.from.put(TEAM, plain(7));
  if (selection.mode === 'two-way') {
    const copies = await namesIn(world);
    await world.to.edit(TEAM, copies[2] as string, edited(2));
    await world.to.drop(TEAM, copies[3] as string);
    await world.to.put(TEAM, plain(8));
  }
  const second = await world.run();
  expectDone(second);
  return { world, faults: first.faults.length + second.faults.length };
}

/** The names of the copies in the target, in the order of their items. */
async function namesIn({ toTarget, to }: DavWorld): Promise<string[]> {
  const home = writesOf(toTarget).find((one) => /^MK/.test(one)) ?? '';
  const path = /(\/[^/]+\/[^/]+\/)/.exec(home)?.[1] as string;
  const xml = await (await to.ask('PROPFIND', path, { depth: '1' })).text();
  return [...xml.matchAll(/href>([^<]*)</g)]
    .flatMap(([, href]) => decodeURIComponent((href as string).slice(path.length)) || [])
    .sort();
}

const contents = async ({ from, to }: DavWorld): Promise<string[][]> => [
  await digestsIn(from, TEAM),
  await digestsIn(to, TEAM),
  await digestsIn(to, ['Other']),
];

const STORIES: readonly (readonly [string, ItemKind, Partial<Selection>])[] = [
  ['events', 'calendar', {}],
  ['contacts both ways', 'contacts', { mode: 'two-way', onConflict: 'newest' }],
];

it.each(STORIES)('survives a break at every change: %s', async (_, kind, selection) => {
  const calm = await tell(kind, selection);
  const expected = await contents(calm.world);
  const count = writesOf(calm.world.toSource).length + writesOf(calm.world.toTarget).length;
  await calm.world.close();
  expect(count).toBeGreaterThan(8);

  const breaks = Array.from({ length: count }, (_, at) => at).flatMap((at) => [
    { at, cut: 'before' as const },
    { at, cut: 'after' as const },
  ]);
  const survive = async ({ at, cut }: (typeof breaks)[number]): Promise<void> => {
    const where = `${cut} change ${at} of ${count}`;
    let seen = 0;
    const when = ({ method }: DavAsked): boolean => CHANGING.includes(method) && seen++ === at;
    const { world, faults } = await tell(kind, selection, { when, cut });
    expect(seen, where).toBeGreaterThan(at);
    expect(faults, where).toBeGreaterThan(0);
    expect(await contents(world), where).toEqual(expected);
    await expectQuiet(world);
    await world.close();
  };
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = breaks.pop(); next; next = breaks.pop()) await survive(next);
    }),
  );
});
