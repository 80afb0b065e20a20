/** What every source of calendars and contacts must do, whatever the system. */
import { expect } from 'vitest';
import type { Container, ItemRef, Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { all, entries, listed as listedAll, never } from './collect.js';
import type { Others } from './items.js';
import { containerIn, digestOf, samples } from './items.js';
import type { Suite, Trait } from './trait.js';
import { offered, runTraits } from './trait.js';

export interface ItemSourceWorld extends Others {
  open(): Source<Buffer>;
  /** Removes a container as another program would. */
  dropContainer?(path: readonly string[]): Promise<void>;
}

const PATH = ['Work'];

async function filled(world: ItemSourceWorld, count: number): Promise<{ source: Source<Buffer>; names: string[] }> {
  const names: string[] = [];
  for (let n = 0; n < count; n++) names.push(await world.put(PATH, samples[world.kind].plain(n)));
  const source = world.open();
  await source.place(never);
  return { source, names };
}

async function listed(source: Source<Buffer>, after?: string): Promise<ItemRef[]> {
  return (await listedAll(source, await containerIn(source, PATH), after)).items;
}

async function changed(source: Source<Buffer>, since: Container) {
  const changes = offered(source.changes, 'a feed of changes').bind(source);
  const now = await containerIn(source, PATH);
  const found = await entries(changes(now, since.token as string, never));
  return found.map((one) => (one.change === 'gone' ? ['gone', one.key] : ['upsert', one.item.key])).sort();
}

/** For items that a system does not take: then they are not there to be read. */
function notTaken(): void {}

const traits = {
  'proves the same place each time': async (world) => {
    const place = async () => {
      const source = world.open();
      return source.place(never);
    };
    expect(await place()).toEqual(await place());
  },
  'shows containers by name': async (world) => {
    const { source } = await filled(world, 1);
    const found = await containerIn(source, PATH);
    expect(found.key).not.toBe('');
    expect(found.validity).toBe((await containerIn(source, PATH)).validity);
  },
  'lists every item once, ascending by key': async (world) => {
    const { source, names } = await filled(world, 12);
    const keys = (await listed(source)).map((item) => item.key);
    expect(keys).toEqual([...new Set(keys)].sort());
    expect(keys.sort()).toEqual([...names].sort());
  },
  'lists what comes after a key': async (world) => {
    const { source } = await filled(world, 6);
    // What comes in no order is gone on with from cursors (unordered-source.ts).
    if (source.listing === 'unordered') return;
    const keys = (await listed(source)).map((item) => item.key);
    expect((await listed(source, keys[2])).map((item) => item.key)).toEqual(keys.slice(3));
    expect(await listed(source, keys[5])).toEqual([]);
  },
  'changes the version of what was edited, and of nothing else': async (world) => {
    const { source, names } = await filled(world, 3);
    const before = new Map((await listed(source)).map((item) => [item.key, item.version]));
    await world.edit(PATH, names[1] as string, samples[world.kind].edited(1));
    const differing = (await listed(source)).filter((item) => before.get(item.key) !== item.version);
    expect(differing.map((item) => item.key)).toEqual([names[1]]);
  },
  'keeps its token while nothing changes': async (world) => {
    const { source } = await filled(world, 2);
    const { token } = await containerIn(source, PATH);
    offered(token, 'tokens');
    expect((await containerIn(source, PATH)).token).toBe(token);
    const other = world.open();
    expect((await containerIn(other, PATH)).token).toBe(token);
  },
  'remembers nothing that another session does not know': async (world) => {
    const { source } = await filled(world, 3);
    const look = async (session: Source<Buffer>) => {
      const { key, validity, token } = await containerIn(session, PATH);
      return {
        key,
        validity,
        token,
        items: await listed(session),
      };
    };
    const first = await look(source);
    const other = world.open();
    await other.place(never);
    expect(await look(other)).toEqual(first);
  },
  'changes its token with every edit, addition and removal': async (world) => {
    const { source, names } = await filled(world, 2);
    const tokens = [offered((await containerIn(source, PATH)).token, 'tokens')];
    const look = async () => tokens.push((await containerIn(source, PATH)).token ?? '');
    await world.edit(PATH, names[0] as string, samples[world.kind].edited(0));
    await look();
    await world.put(PATH, samples[world.kind].plain(7));
    await look();
    await world.drop(PATH, names[1] as string);
    await look();
    expect(new Set(tokens).size).toBe(4);
  },
  'tells what changed since a token': async (world) => {
    const { source, names } = await filled(world, 60);
    const before = await containerIn(source, PATH);
    for (let n = 0; n < 58; n += 2) await world.edit(PATH, names[n] as string, samples[world.kind].edited(n));
    for (let n = 1; n < 58; n += 2) await world.drop(PATH, names[n] as string);
    const added = await world.put(PATH, samples[world.kind].plain(90));
    // Of several changes to an item only the last one counts.
    const [edited, dropped] = names.slice(58) as [string, string];
    await world.edit(PATH, edited, samples[world.kind].edited(58));
    await world.drop(PATH, edited);
    await world.drop(PATH, dropped);
    const anew = await world.put(PATH, samples[world.kind].edited(59));
    const gone = [edited, dropped].filter((name) => name !== anew);
    const found = await changed(source, before);
    expect(found).toEqual(
      [
        ...names.slice(0, 58).map((name, n) => [n % 2 === 0 ? 'upsert' : 'gone', name]),
        ...[added, anew].map((name) => ['upsert', name]),
        ...gone.map((name) => ['gone', name]),
      ].sort(),
    );
  },
  'tells nothing when nothing changed': async (world) => {
    const { source } = await filled(world, 2);
    expect(await changed(source, await containerIn(source, PATH))).toEqual([]);
  },
  'tells versions in changes as in listings': async (world) => {
    const { source, names } = await filled(world, 2);
    const before = await containerIn(source, PATH);
    await world.edit(PATH, names[0] as string, samples[world.kind].edited(0));
    const changes = offered(source.changes, 'a feed of changes').bind(source);
    const [change] = await entries(changes(before, before.token as string, never));
    const item = (await listed(source)).find((one) => one.key === names[0]);
    expect(change?.change === 'upsert' && change.item.version).toBe(item?.version);
  },
  'says so when a token is not known': async (world) => {
    const { source } = await filled(world, 1);
    const changes = offered(source.changes, 'a feed of changes').bind(source);
    const { token, ...container } = await containerIn(source, PATH);
    const strange = `${token}`.replace(/[0-9a-f]+$/, 'ffffffff');
    await expect(all(changes(container, strange, never))).rejects.toMatchObject({ code: 'cursor-lost' });
  },
  'reads in the order asked': async (world) => {
    const { source } = await filled(world, 5);
    const container = await containerIn(source, PATH);
    const refs = (await listed(source)).reverse();
    const bodies = await all(source.read(container, refs, never));
    expect(bodies.map((one) => ('key' in one ? one.key : ''))).toEqual(refs.map((ref) => ref.key));
    const digests = bodies.map((one) => ('body' in one ? digestOf(world.kind, one.body) : '')).sort();
    const expected = [0, 1, 2, 3, 4].map((n) => digestOf(world.kind, samples[world.kind].plain(n)));
    expect(digests).toEqual(expected.sort());
  },
  'reads more than one request holds': async (world) => {
    const { source } = await filled(world, 130);
    const refs = await listed(source);
    const bodies = await all(source.read(await containerIn(source, PATH), refs, never));
    expect(bodies.filter((one) => 'body' in one).length).toBe(130);
  },
  'reads every odd item as it is stored': async (world) => {
    const source = world.open();
    await source.place(never);
    const { odd } = samples[world.kind];
    await world.put(PATH, samples[world.kind].plain(1));
    for (const body of Object.values(odd)) await world.put(PATH, body).catch(notTaken);
    const bodies = await all(source.read(await containerIn(source, PATH), await listed(source), never));
    const read = bodies.flatMap((one) => ('body' in one ? [digestOf(world.kind, one.body)] : []));
    const stored = (await world.stored(PATH)).map((body) => digestOf(world.kind, body));
    expect(read.filter((digest) => !stored.includes(digest))).toEqual([]);
    expect(new Set(read).size).toBe(read.length);
    expect(read.length).toBeGreaterThan(Object.keys(odd).length / 2);
    // Each of the others is named: a torn file, e.g., may be one that is being written.
    expect(bodies.flatMap((one) => ('refused' in one ? [one.reason] : [])).length).toBe(stored.length - read.length);
    expect(stored.length - read.length).toBeLessThan(3);
  },
  'refuses an item that is gone, and reads its neighbours': async (world) => {
    const { source, names } = await filled(world, 3);
    const refs = await listed(source);
    await world.drop(PATH, names[1] as string);
    const answers = await all(source.read(await containerIn(source, PATH), refs, never));
    expect(answers.flatMap((one) => ('refused' in one ? [one.refused] : []))).toEqual([names[1]]);
    expect(answers.length).toBe(3);
  },
  'has no container any more that went away': async (world) => {
    const { source } = await filled(world, 1);
    const container = await containerIn(source, PATH);
    await offered(world.dropContainer, 'removing a container').call(world, PATH);
    const other = world.open();
    await expect(containerIn(other, PATH)).rejects.toThrow();
    await expect(entries(other.list(container, undefined, never))).rejects.toMatchObject({ code: 'not-found' });
  },
  'ends when it is aborted': async (world) => {
    const { source } = await filled(world, 1);
    await expect(
      entries(source.list(await containerIn(source, PATH), undefined, AbortSignal.abort())),
    ).rejects.toThrow();
  },
  'ends when it is closed while it reads': async (world) => {
    const { source } = await filled(world, 60);
    const container = await containerIn(source, PATH);
    const refs = await listed(source);
    const reading = all(source.read(container, refs, never));
    source.close();
    await expect(reading).rejects.toBeInstanceOf(Fault);
  },
  'ends when it is closed': async (world) => {
    const { source } = await filled(world, 1);
    const container = await containerIn(source, PATH);
    source.close();
    source.close();
    await expect(entries(source.list(container, undefined, never))).rejects.toBeInstanceOf(Fault);
  },
} as const satisfies Record<string, Trait<ItemSourceWorld>>;
export type ItemSourceTrait = keyof typeof traits;

export function itemSourceConformance(suite: Suite<ItemSourceWorld, ItemSourceTrait>): void {
  runTraits('item source', suite, traits);
}
