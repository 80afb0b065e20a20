/** Traits of containers and listings. */
import { expect } from 'vitest';
import type { ItemRef } from '../../connectors/contract.js';
import { all, containerAt, dateOf, entries, flagsOf, itemsAt, never, toldAt } from './collect.js';
import type { SourceWorld } from './mail-worlds.js';
import { plain } from './odd-messages.js';
import type { Trait } from './trait.js';

async function fill(world: SourceWorld, path: readonly string[], count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let n = 0; n < count; n++) keys.push(await world.put(path, { bytes: plain(n) }));
  return keys.sort();
}

function oddName(...path: string[]): Trait<SourceWorld> {
  return async (world) => {
    const key = await world.put(path, { bytes: plain('odd name') });
    expect((await itemsAt(world.open(), path)).map((item) => item.key)).toEqual([key]);
  };
}

async function listedDate(world: SourceWorld, date: string): Promise<string | undefined> {
  await world.put(['INBOX'], { bytes: plain('dated'), date });
  const [item] = await toldAt(world.open(), ['INBOX']);
  return item && dateOf(item);
}

async function listedFlags(world: SourceWorld, flags: readonly string[]): Promise<readonly string[]> {
  await world.put(['INBOX'], { bytes: plain('flagged'), flags });
  const [item] = await toldAt(world.open(), ['INBOX']);
  return item ? flagsOf(item) : [];
}

export const listing = {
  'proves the same place in every session': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const place = await world.open().place(never);
    expect(await world.open().place(never)).toEqual(place);
    expect(place.proof).not.toBe('');
  },
  'describes itself without a problem': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const capabilities = await world.open().describe(never);
    expect(capabilities.length).toBeGreaterThan(0);
    expect(capabilities.filter((one) => one.problem !== undefined)).toEqual([]);
  },
  'shows the inbox as INBOX with its role': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    expect((await containerAt(world.open(), ['INBOX'])).role).toBe('inbox');
  },
  'lists parents before their children, each container once': async (world) => {
    await world.put(['Zoo', 'Ape', 'Baby'], { bytes: plain(1) });
    await world.put(['Alpha'], { bytes: plain(2) });
    await world.put(['Zoo', 'Ape'], { bytes: plain(3) });
    await world.put(['Zoo'], { bytes: plain(4) });
    const paths = (await all(world.open().containers(never))).map((one) => one.path.join('\n'));
    expect(paths).toEqual(expect.arrayContaining(['Alpha', 'Zoo', 'Zoo\nApe', 'Zoo\nApe\nBaby']));
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.indexOf('Zoo')).toBeLessThan(paths.indexOf('Zoo\nApe'));
    expect(paths.indexOf('Zoo\nApe')).toBeLessThan(paths.indexOf('Zoo\nApe\nBaby'));
  },
  'lists ascending by key, unless it says otherwise, each item once, in bounded pages': async (world) => {
    const keys = await fill(world, ['INBOX'], 120);
    const source = world.open();
    const pages = await all(source.list(await containerAt(source, ['INBOX']), undefined, never));
    const named = pages.flatMap((page) => page.entries.map((item) => item.key));
    expect(source.listing === 'unordered' ? [...new Set(named)].sort() : named).toEqual(keys);
    for (const page of pages) expect(page.entries.length).toBeLessThanOrEqual(5000);
  },
  'resumes a listing after any key': async (world) => {
    const keys = await fill(world, ['INBOX'], 12);
    const source = world.open();
    const container = await containerAt(source, ['INBOX']);
    // What comes in no order is gone on with from cursors (unordered-source.ts).
    if (source.listing === 'unordered') return;
    for (const at of [0, 5, 10, 11]) {
      const rest = await entries(source.list(container, keys[at], never));
      expect(rest.map((item) => item.key)).toEqual(keys.slice(at + 1));
    }
  },
  'lists nothing in an empty container': async (world) => {
    await world.put(['Parent', 'Child'], { bytes: plain(1) });
    const source = world.open();
    const [item] = await itemsAt(source, ['Parent', 'Child']);
    const after = source.listing === 'unordered' ? undefined : item?.key;
    const rest = await entries(source.list(await containerAt(source, ['Parent', 'Child']), after, never));
    expect(rest).toEqual(after === undefined ? [item] : []);
  },
  'keeps keys, versions and validity over sessions': async (world) => {
    await fill(world, ['INBOX'], 5);
    const [one, two] = [world.open(), world.open()];
    const first: ItemRef[] = await itemsAt(one, ['INBOX']);
    expect(await itemsAt(two, ['INBOX'])).toEqual(first);
    expect((await containerAt(two, ['INBOX'])).validity).toBe((await containerAt(one, ['INBOX'])).validity);
  },
  'keeps validity and older keys while messages come': async (world) => {
    const keys = await fill(world, ['INBOX'], 3);
    const before = await containerAt(world.open(), ['INBOX']);
    await world.put(['INBOX'], { bytes: plain('new') });
    const source = world.open();
    expect((await containerAt(source, ['INBOX'])).validity).toBe(before.validity);
    expect((await itemsAt(source, ['INBOX'])).map((item) => item.key)).toEqual(expect.arrayContaining(keys));
  },
  'tells container keys that are stable and distinct': async (world) => {
    await world.put(['A'], { bytes: plain(1) });
    await world.put(['B'], { bytes: plain(2) });
    const keys = async () => (await all(world.open().containers(never))).map((one) => one.key);
    const first = await keys();
    expect(await keys()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  },
  'finds a folder name beyond ASCII': oddName('Entwürfe — 日本語'),
  'finds a folder name with a slash': oddName('In/Out'),
  'finds a folder name with a dot': oddName('v1.2'),
  'finds a folder name with an ampersand': oddName('Q&A &- &AOQ-'),
  'finds a folder name with blanks inside': oddName('Old  mail of 2019'),
  'finds a folder name with quotes and wildcards': oddName('50% "off" *'),
  'finds odd names below odd names': oddName('Räume', 'Nr. 1 & 2', 'ä'),
  'keeps folders apart that differ in case': async (world) => {
    await world.put(['Work'], { bytes: plain('upper') });
    await world.put(['work'], { bytes: plain('lower') });
    const source = world.open();
    expect((await itemsAt(source, ['Work'])).length).toBe(1);
    expect((await itemsAt(source, ['work'])).length).toBe(1);
  },
  'tells internal dates to the second': async (world) => {
    const date = '2019-03-01T10:22:03+00:00';
    expect(Date.parse((await listedDate(world, date)) ?? '')).toBe(Date.parse(date));
  },
  'tells internal dates given in another zone': async (world) => {
    const date = '2019-03-01T10:22:03+05:30';
    expect(Date.parse((await listedDate(world, date)) ?? '')).toBe(Date.parse(date));
  },
  'keeps the zone of an internal date': async (world) => {
    const date = '2019-03-01T10:22:03-03:30';
    expect(await listedDate(world, date)).toBe(date);
  },
  'tells internal dates before 1980 and after 2038': async (world) => {
    const dates = ['1971-06-05T04:03:02+00:00', '2040-01-02T03:04:05+00:00'];
    for (const date of dates) await world.put(['INBOX'], { bytes: plain(date), date });
    const listed = (await toldAt(world.open(), ['INBOX'])).map((item) => Date.parse(dateOf(item) ?? ''));
    expect(listed.sort((a, b) => a - b)).toEqual(dates.map((date) => Date.parse(date)));
  },
  'tells system flags, sorted': async (world) => {
    expect(await listedFlags(world, ['\\Seen', '\\Answered', '\\Flagged', '\\Draft'])).toEqual([
      '\\Answered',
      '\\Draft',
      '\\Flagged',
      '\\Seen',
    ]);
  },
  'tells keywords beside flags': async (world) => {
    expect(await listedFlags(world, ['$Forwarded', '\\Seen', 'Project-X'])).toEqual([
      '$Forwarded',
      'Project-X',
      '\\Seen',
    ]);
  },
  'tells no flags as none': async (world) => {
    expect(await listedFlags(world, [])).toEqual([]);
  },
  'keeps content, subjects and addresses out of a listing': async (world) => {
    await world.put(['INBOX'], { bytes: Buffer.from('From: canary@example.org\r\nSubject: canary\r\n\r\ncanary\r\n') });
    expect(JSON.stringify(await itemsAt(world.open(), ['INBOX']))).not.toMatch(/canary/i);
  },
  'ends a listing when it is aborted': async (world) => {
    await fill(world, ['INBOX'], 3);
    const source = world.open();
    const container = await containerAt(source, ['INBOX']);
    await expect(entries(source.list(container, undefined, AbortSignal.abort()))).rejects.toThrow();
    await expect(all(world.open().containers(AbortSignal.abort()))).rejects.toThrow();
  },
  'may be closed twice, and answers nothing afterwards': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const source = world.open();
    const container = await containerAt(source, ['INBOX']);
    source.close();
    source.close();
    await expect(entries(source.list(container, undefined, never))).rejects.toThrow();
  },
} as const satisfies Record<string, Trait<SourceWorld>>;
