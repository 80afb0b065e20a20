/** Traits of telling what changed: versions, tokens, changes. */
import { expect } from 'vitest';
import type { Change, ItemRef, Source } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { containerAt, entries, flagsOf, itemsAt, listed, never, toldAt } from './collect.js';
import type { SourceWorld } from './mail-worlds.js';
import { plain } from './odd-messages.js';
import type { Trait } from './trait.js';
import { offered } from './trait.js';

async function tokenOf(world: SourceWorld): Promise<string> {
  return offered(await laterToken(world), 'tokens');
}

/** A later token, or none while the system cannot promise one: both mean "list again". */
async function laterToken(world: SourceWorld): Promise<string | undefined> {
  const source = world.open();
  const container = await containerAt(source, ['INBOX']);
  return container.token ?? (await listed(source, container)).token;
}

async function changesSince(source: Source<Mail>, token: string): Promise<Change[]> {
  const changes = offered(source.changes, 'changes').bind(source);
  return entries(changes(await containerAt(source, ['INBOX']), token, never));
}

/** A listing brought up to date with changes. */
function applied(listing: readonly ItemRef[], changes: readonly Change[]): ItemRef[] {
  const items = new Map(listing.map((item) => [item.key, item]));
  for (const change of changes) {
    if (change.change === 'gone') items.delete(change.key);
    else items.set(change.item.key, change.item);
  }
  return [...items.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

export const tracking = {
  'changes the version with the flags': async (world) => {
    const setFlags = offered(world.setFlags, 'setting flags').bind(world);
    const key = await world.put(['INBOX'], { bytes: plain(1), flags: ['\\Seen'] });
    const [before] = await toldAt(world.open(), ['INBOX']);
    await setFlags(['INBOX'], key, ['\\Flagged', 'later']);
    const [after] = await toldAt(world.open(), ['INBOX']);
    expect(after?.key).toBe(key);
    expect(after && flagsOf(after)).toEqual(['\\Flagged', 'later']);
    expect(after?.version).not.toBe(before?.version);
  },
  'keeps keys of neighbours when a message is removed': async (world) => {
    const remove = offered(world.remove, 'removing').bind(world);
    const keys = [];
    for (let n = 0; n < 3; n++) keys.push(await world.put(['INBOX'], { bytes: plain(n) }));
    await remove(['INBOX'], keys[1] ?? '');
    expect((await itemsAt(world.open(), ['INBOX'])).map((item) => item.key)).toEqual([keys[0], keys[2]].sort());
  },
  'tells equal tokens when nothing changed': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const token = await tokenOf(world);
    const reader = world.open();
    await itemsAt(reader, ['INBOX']);
    expect(await tokenOf(world)).toBe(token);
  },
  'tells another token after a new message': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const token = await tokenOf(world);
    await world.put(['INBOX'], { bytes: plain(2) });
    expect(await laterToken(world)).not.toBe(token);
  },
  'tells another token after a change of flags': async (world) => {
    const setFlags = offered(world.setFlags, 'setting flags').bind(world);
    const key = await world.put(['INBOX'], { bytes: plain(1) });
    const token = await tokenOf(world);
    await setFlags(['INBOX'], key, ['\\Seen']);
    expect(await laterToken(world)).not.toBe(token);
  },
  'tells another token after a removal': async (world) => {
    const remove = offered(world.remove, 'removing').bind(world);
    const key = await world.put(['INBOX'], { bytes: plain(1) });
    await world.put(['INBOX'], { bytes: plain(2) });
    const token = await tokenOf(world);
    await remove(['INBOX'], key);
    expect(await laterToken(world)).not.toBe(token);
  },
  'tells no changes when there are none': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const token = await tokenOf(world);
    expect(await changesSince(world.open(), token)).toEqual([]);
  },
  'tells changes that bring an old listing up to date': async (world) => {
    const setFlags = offered(world.setFlags, 'setting flags').bind(world);
    const remove = offered(world.remove, 'removing').bind(world);
    const keys = [];
    for (let n = 0; n < 6; n++) keys.push(await world.put(['INBOX'], { bytes: plain(n) }));
    const token = await tokenOf(world);
    const before = await itemsAt(world.open(), ['INBOX']);
    await setFlags(['INBOX'], keys[1] ?? '', ['\\Seen']);
    await remove(['INBOX'], keys[3] ?? '');
    await world.put(['INBOX'], { bytes: plain('new') });
    const source = world.open();
    const changes = await changesSince(source, token);
    expect(applied(before, changes)).toEqual(await itemsAt(source, ['INBOX']));
    expect(changes).toContainEqual({ change: 'gone', key: keys[3] });
    const named = changes.map((one) => (one.change === 'gone' ? one.key : one.item.key));
    expect(new Set(named).size).toBe(named.length);
    expect(named.length).toBe(3);
  },
  'does not tell a message that came and went as new': async (world) => {
    const remove = offered(world.remove, 'removing').bind(world);
    await world.put(['INBOX'], { bytes: plain(1) });
    const token = await tokenOf(world);
    await remove(['INBOX'], await world.put(['INBOX'], { bytes: plain(2) }));
    expect((await changesSince(world.open(), token)).filter((one) => one.change === 'upsert')).toEqual([]);
  },
  'says that a foreign token is lost': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const source = world.open();
    offered(source.changes, 'changes');
    await expect(changesSince(source, 'made-by-nobody')).rejects.toMatchObject({ code: 'cursor-lost' });
  },
} as const satisfies Record<string, Trait<SourceWorld>>;
