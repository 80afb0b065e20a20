/** Traits of finding and making containers. */
import { expect } from 'vitest';
import { digestMail } from '../../connectors/kinds/mail.js';
import { apply, create, never, written } from './collect.js';
import type { TargetWorld } from './mail-worlds.js';
import { plain } from './odd-messages.js';
import type { Trait } from './trait.js';

function oddName(...path: string[]): Trait<TargetWorld> {
  return async (world) => {
    const target = world.open();
    const container = await target.ensure({ path }, never);
    written(await apply(target, container, [create('t', plain(1))]), 't');
    const again = await world.open().ensure({ path }, never);
    expect([again.key, again.created, again.items]).toEqual([container.key, false, 1]);
    // A name that had to be changed says so; a note alone does not excuse lost content.
    if (container.path.join() !== path.join()) expect(container.notes).not.toBeUndefined();
    expect((await world.messages(container.path)).map((one) => digestMail(one.bytes))).toEqual([digestMail(plain(1))]);
  };
}

export const containers = {
  'proves the same place in every session': async (world) => {
    const place = await world.open().place(never);
    expect(await world.open().place(never)).toEqual(place);
  },
  'describes itself without a problem': async (world) => {
    const capabilities = await world.open().describe(never);
    expect(capabilities.length).toBeGreaterThan(0);
    expect(capabilities.filter((one) => one.problem !== undefined)).toEqual([]);
  },
  'makes a container once': async (world) => {
    const target = world.open();
    const made = await target.ensure({ path: ['Projects'] }, never);
    expect([made.path, made.created, made.items]).toEqual([['Projects'], true, 0]);
    const again = await target.ensure({ path: ['Projects'] }, never);
    expect([again.key, again.validity, again.created]).toEqual([made.key, made.validity, false]);
    const later = await world.open().ensure({ path: ['Projects'] }, never);
    expect([later.key, later.validity, later.created]).toEqual([made.key, made.validity, false]);
  },
  'finds what others made, and counts it': async (world) => {
    for (let n = 0; n < 3; n++) await world.put(['Theirs'], { bytes: plain(n) });
    const found = await world.open().ensure({ path: ['Theirs'] }, never);
    expect([found.path, found.created, found.items]).toEqual([['Theirs'], false, 3]);
  },
  'keeps validity while messages come': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: ['Projects'] }, never);
    await apply(target, container, [create('t', plain(1))]);
    expect((await world.open().ensure({ path: ['Projects'] }, never)).validity).toBe(container.validity);
  },
  'makes the containers above': async (world) => {
    const target = world.open();
    const container = await target.ensure({ path: ['A', 'B', 'C'] }, never);
    written(await apply(target, container, [create('t', plain(1))]), 't');
    expect((await world.messages(['A', 'B', 'C'])).length).toBe(1);
    expect((await target.ensure({ path: ['A', 'B', 'C'] }, never)).created).toBe(false);
    const parent = await target.ensure({ path: ['A', 'B'] }, never);
    expect([parent.path, parent.items]).toEqual([['A', 'B'], 0]);
  },
  'finds the inbox': async (world) => {
    await world.put(['INBOX'], { bytes: plain(1) });
    const inbox = await world.open().ensure({ path: ['INBOX'], role: 'inbox' }, never);
    expect([inbox.path, inbox.created, inbox.items]).toEqual([['INBOX'], false, 1]);
  },
  'finds a container by role before its name': async (world) => {
    const target = world.open();
    const sent = await target.ensure({ path: ['Sent'], role: 'sent' }, never);
    const other = await world.open().ensure({ path: ['Sent Items'], role: 'sent' }, never);
    expect([other.key, other.created]).toEqual([sent.key, false]);
    const byName = await world.open().ensure({ path: ['Sent Items'] }, never);
    expect(byName.key).not.toBe(sent.key);
  },
  'takes a name that looks like a way out as a name': async (world) => {
    for (const path of [['..', 'out'], ['.'], ['a/../../out'], ['/etc']]) {
      const target = world.open();
      const container = await target.ensure({ path }, never);
      written(await apply(target, container, [create('t', plain(1))]), 't');
      expect((await world.open().ensure({ path }, never)).items).toBe(1);
    }
  },
  'takes a folder name beyond ASCII': oddName('Entwürfe — 日本語'),
  'takes a folder name with a slash': oddName('In/Out'),
  'takes a folder name with a dot': oddName('v1.2'),
  'takes a folder name with an ampersand': oddName('Q&A &- &AOQ-'),
  'takes a folder name with blanks inside': oddName('Old  mail of 2019'),
  'takes a folder name with blanks around': oddName(' edge '),
  'takes a folder name with quotes and wildcards': oddName('50% "off" *'),
  'takes a folder name with control characters': oddName('tab\tand\u007f'),
  'takes odd names below odd names': oddName('Räume', 'Nr. 1 & 2', 'ä'),
  'takes the names that systems use inside': async (world) => {
    for (const path of [
      ['cur'],
      ['new'],
      ['tmp'],
      ['x.sbd'],
      ['x.mbox', 'mbox'],
      ['INBOX', 'Sub'],
      ['subscriptions'],
    ]) {
      const target = world.open();
      const container = await target.ensure({ path }, never);
      written(await apply(target, container, [create('t', plain(path.join()))]), 't');
      expect((await world.open().ensure({ path }, never)).items).toBe(1);
    }
  },
  'ends when it is aborted': async (world) => {
    await expect(world.open().ensure({ path: ['A'] }, AbortSignal.abort())).rejects.toThrow();
  },
  'may be closed twice, and answers nothing afterwards': async (world) => {
    const target = world.open();
    await target.ensure({ path: ['A'] }, never);
    target.close();
    target.close();
    await expect(target.ensure({ path: ['B'] }, never)).rejects.toThrow();
  },
} as const satisfies Record<string, Trait<TargetWorld>>;
