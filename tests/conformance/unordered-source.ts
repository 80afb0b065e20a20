/** What every source of mail must do besides that lists in no order: cursors, tokens, and what comes and goes meanwhile. */
import { expect } from 'vitest';
import type { Change, Container, ItemRef, Source } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { all, containerAt, entries, itemsAt, listed, never } from './collect.js';
import type { SourceWorld } from './mail-worlds.js';
import { plain } from './odd-messages.js';
import type { Suite, Trait } from './trait.js';
import { offered, runTraits } from './trait.js';

const INBOX = ['INBOX'];

/** Of so many messages listings have several pages. */
async function fill(world: SourceWorld, count = 18): Promise<string[]> {
  const keys: string[] = [];
  for (let n = 0; n < count; n++) keys.push(await world.put(INBOX, { bytes: plain(n), flags: ['\\Seen'] }));
  return keys;
}

const keysOf = (items: readonly ItemRef[]): string[] => items.map(({ key }) => key).sort();

/** The keys of a listing, brought up to date with the changes since the state that it stands for. */
async function broughtUpToDate(
  source: Source<Mail>,
  container: Container,
  { items, token }: { readonly items: readonly ItemRef[]; readonly token: string | undefined },
): Promise<string[]> {
  const keys = new Set(keysOf(items));
  const changes: readonly Change[] = source.changes
    ? await entries(source.changes(container, offered(token, 'tokens'), never))
    : [];
  for (const change of changes) {
    if (change.change === 'gone') keys.delete(change.key);
    else keys.add(change.item.key);
  }
  return [...keys].sort();
}

/** A listing while somebody does something behind its first page. */
async function listedMeanwhile(source: Source<Mail>, container: Container, meanwhile: () => Promise<unknown>) {
  const items = new Map<string, ItemRef>();
  let pages = 0;
  let token = container.token;
  for await (const page of source.list(container, undefined, never)) {
    for (const item of page.entries) items.set(item.key, item);
    for (const key of page.gone ?? []) items.delete(key);
    if (pages++ === 0) await meanwhile();
    token ??= page.token;
  }
  expect(pages, 'pages').toBeGreaterThan(2);
  return { items: [...items.values()], token };
}

const traits = {
  'says that it lists in no order': async (world) => {
    await fill(world, 1);
    expect(world.open().listing).toBe('unordered');
  },
  'goes on behind any page in another session': async (world) => {
    const keys = await fill(world);
    const source = world.open();
    const container = await containerAt(source, INBOX);
    const seen: string[] = [];
    for await (const page of source.list(container, undefined, never)) {
      seen.push(...page.entries.map(({ key }) => key));
      if (page.cursor === undefined) continue;
      const { items } = await listed(world.open(), container, page.cursor);
      expect([...new Set([...seen, ...keysOf(items)])].sort()).toEqual(keys.sort());
      expect(items.length).toBeLessThan(keys.length);
    }
  },
  'says that a foreign cursor is lost': async (world) => {
    await fill(world, 1);
    const source = world.open();
    const listing = all(source.list(await containerAt(source, INBOX), 'made-by-nobody', never));
    await expect(listing).rejects.toMatchObject({ code: 'cursor-lost' });
  },
  'gives a state, before its listing or with the last page': async (world) => {
    await fill(world);
    const source = world.open();
    expect((await listed(source, await containerAt(source, INBOX))).token).toBeTypeOf('string');
  },
  'tells of what left while it listed': async (world) => {
    const keys = await fill(world);
    const source = world.open();
    const container = await containerAt(source, INBOX);
    const remove = offered(world.remove, 'removing').bind(world);
    const gone = [keys[0], keys.at(-1)] as string[];
    const listing = await listedMeanwhile(source, container, async () => {
      for (const key of gone) await remove(INBOX, key);
    });
    const now = await broughtUpToDate(source, container, listing);
    expect(now.filter((key) => gone.includes(key))).toEqual([]);
  },
  'tells of what came while it listed': async (world) => {
    await fill(world);
    const source = world.open();
    const container = await containerAt(source, INBOX);
    let added = '';
    const listing = await listedMeanwhile(source, container, async () => {
      added = await world.put(INBOX, { bytes: plain('late') });
    });
    expect(await broughtUpToDate(source, container, listing)).toContain(added);
  },
  'goes on from the state that changes gave with their last page': async (world) => {
    await fill(world, 3);
    const source = world.open();
    const changes = offered(source.changes, 'changes').bind(source);
    const { token } = await listed(source, await containerAt(source, INBOX));
    const added = await world.put(INBOX, { bytes: plain('one') });
    const other = world.open();
    const container = await containerAt(other, INBOX);
    const pages = await all(changes(container, token as string, never));
    const named = pages.flatMap((page) => page.entries.map((one) => (one.change === 'gone' ? '' : one.item.key)));
    expect(named).toContain(added);
    const next = offered(pages.at(-1)?.token ?? container.token, 'tokens');
    expect(await entries(changes(container, next, never))).toEqual([]);
  },
  'looks up by key what is there, as it would list it': async (world) => {
    const keys = await fill(world, 4);
    const source = world.open();
    const present = offered(source.present, 'looking up by key').bind(source);
    const items = await itemsAt(source, INBOX);
    await offered(world.remove, 'removing').call(world, INBOX, keys[1] as string);
    const found = await entries(present(await containerAt(source, INBOX), keys.slice(0, 3), never));
    const expected = items.filter(({ key }) => key === keys[0] || key === keys[2]);
    expect([...found].sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(expected);
  },
  'tells flags in its listing, or with the content': async (world) => {
    await fill(world, 3);
    const source = world.open();
    const items = await itemsAt(source, INBOX);
    const bodies = await all(source.read(await containerAt(source, INBOX), items, never));
    const metas = bodies.map((one, n) => ('key' in one ? (one.meta ?? items[n]?.meta) : undefined));
    expect(metas).toEqual(Array(3).fill(expect.objectContaining({ flags: ['\\Seen'] })));
  },
} as const satisfies Record<string, Trait<SourceWorld>>;
export type UnorderedTrait = keyof typeof traits;

export function unorderedSourceConformance(suite: Suite<SourceWorld, UnorderedTrait>): void {
  runTraits('source without order', suite, traits);
}
