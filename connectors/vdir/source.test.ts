import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { all, apply, entries, never, written } from '../../tests/conformance/collect.js';
import { containerIn, creating, samples } from '../../tests/conformance/items.js';
import { card } from '../../tests/conformance/odd-cards.js';
import { event } from '../../tests/conformance/odd-events.js';
import { asNobody, readAll, shown, vdirFolder } from '../../tests/sample/vdir-folder.js';
import type { Container, Refused } from '../contract.js';
import { connector } from './index.js';
import { createVdirSource } from './source.js';
import { createVdirTarget } from './target.js';

const { at, put } = vdirFolder();
const calendars = () => createVdirSource(at(), 'calendar');
const books = () => createVdirSource(at(), 'contacts');

describe('a vdir as a source', () => {
  it('shows folders with their names, colours and order', async () => {
    await put('a1b2/displayname', 'Réunions\n');
    await put('a1b2/color', '#ff0000');
    await put('a1b2/order', '3');
    await put('a1b2/1.ics', event(1));
    await put('Plain/1.ics', event(1));
    await put('.hidden/1.ics', event(1));
    const found = await all(calendars().containers(never));
    expect(found.map(({ key, path, properties }) => [key, path, properties])).toEqual([
      ['Plain', ['Plain'], undefined],
      ['a1b2', ['Réunions'], { color: '#ff0000', order: 3 }],
    ]);
  });

  it('keeps folders of one name apart, and lets the one that is called so keep it', async () => {
    await put('a/displayname', 'Team');
    await put('z/displayname', 'Team');
    await put('Team/1.ics', event(1));
    expect(await shown(calendars())).toEqual([
      ['Team', 'Team'],
      ['a', 'Team (a)'],
      ['z', 'Team (z)'],
    ]);
    // The target finds what the source shows.
    const target = createVdirTarget(at(), 'calendar');
    for (const [key, path] of await shown(calendars()))
      expect(await target.ensure({ path: [path as string] }, never)).toMatchObject({ key, created: false });
  });

  it('leaves a folder with contacts alone when calendars are asked for', async () => {
    await put('People/1.vcf', card(1));
    await put('Work/1.ics', event(1));
    await mkdir(at('Empty'));
    expect((await shown(calendars())).map(([key]) => key)).toEqual(['Empty', 'Work']);
    expect((await shown(books())).map(([key]) => key)).toEqual(['Empty', 'People']);
  });

  it('leaves out what is no item', async () => {
    await put('Work/1.ics', event(1));
    for (const name of ['.2.ics', '3.ics.tmp', '4.ics~', 'notes.txt', 'color']) await put(`Work/${name}`, event(2));
    await mkdir(at('Work', '5.ics'));
    execFileSync('mkfifo', [at('Work', '6.ics')]);
    expect(Object.keys(await readAll(calendars(), 'Work'))).toEqual(['1.ics']);
  });

  it('does not follow symbolic links out of its folder, and says how many there are', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'drover-outside-'));
    await writeFile(join(outside, 'secret.ics'), event(9));
    await put('Work/1.ics', event(1));
    await symlink(join(outside, 'secret.ics'), at('Work', '2.ics'));
    await symlink(outside, at('Linked'));
    const source = calendars();
    expect(Object.keys(await readAll(source, 'Work'))).toEqual(['1.ics']);
    expect(await shown(source)).toEqual([['Work', 'Work']]);
    expect(await source.describe(never)).toContainEqual({
      name: 'left out',
      value: '2 symbolic links, which are not followed',
    });
    const linked: Container = { key: 'Linked', path: ['Linked'], validity: '1' };
    await expect(entries(source.list(linked, undefined, never))).rejects.toMatchObject({ code: 'refused' });
    const above: Container = { key: '..', path: ['..'], validity: '1' };
    await expect(entries(source.list(above, undefined, never))).rejects.toMatchObject({ code: 'refused' });
    // A file that became a link after it was listed.
    const container = await containerIn(source, ['Work']);
    const refs = await entries(source.list(container, undefined, never));
    await rm(at('Work', '1.ics'));
    await symlink(join(outside, 'secret.ics'), at('Work', '1.ics'));
    expect(await all(source.read(container, refs, never))).toMatchObject([{ refused: '1.ics' }]);
    await rm(outside, { recursive: true });
  });

  it('refuses torn, empty and crowded files, and reads their neighbours', async () => {
    const whole = event(1).toString();
    await put('Work/empty.ics', '');
    await put('Work/fine.ics', whole);
    await put('Work/several.ics', Buffer.concat([event(2), event(3)]));
    await put('Work/torn.ics', whole.slice(0, whole.length / 2));
    await put('Work/zeros.ics', Buffer.alloc(400));
    const read = await readAll(calendars(), 'Work');
    expect(read['fine.ics']).toBe(whole);
    expect(read['empty.ics']).toMatch(/refused: the file is empty/);
    expect(read['several.ics']).toMatch(/refused: the file holds several items/);
    expect(read['torn.ics']).toMatch(/refused: the file is torn/);
    expect(read['zeros.ics']).toMatch(/refused: the file is torn/);
    await put('People/several.vcf', Buffer.concat([card(1), card(2)]));
    await put('People/torn.vcf', card(3).subarray(0, 40));
    expect(Object.values(await readAll(books(), 'People')).map((text) => text.slice(0, 27))).toEqual([
      'refused: the file holds sev',
      'refused: the file is torn, ',
    ]);
  });

  it('reads a series with its overrides, and a card within a card, as one item', async () => {
    for (const [name, body] of Object.entries(samples.calendar.odd)) await put(`Work/${name}.ics`, body);
    for (const [name, body] of Object.entries(samples.contacts.odd)) await put(`People/${name}.vcf`, body);
    const read = [
      ...Object.values(await readAll(calendars(), 'Work')),
      ...Object.values(await readAll(books(), 'People')),
    ];
    // In a file, an item without its end is one whose rest is missing.
    expect(read.filter((text) => text.startsWith('refused'))).toEqual([
      expect.stringMatching(/torn, it has no END:VCARD/),
    ]);
  });

  it('tells one file it may not open, and reads its neighbours', async () => {
    await put('Work/1.ics', event(1));
    await put('Work/2.ics', event(2));
    const source = calendars();
    const container = await containerIn(source, ['Work']);
    const refs = await entries(source.list(container, undefined, never));
    execFileSync('chmod', ['-R', 'a+rX', at()]);
    execFileSync('chmod', ['000', at('Work', '1.ics')]);
    const answers = await asNobody(() => all(source.read(container, refs, never)));
    expect((answers[0] as Refused).reason).toMatch(/cannot be read: EACCES; give the worker/);
    expect(answers[1]).toMatchObject({ key: '2.ics' });
    execFileSync('chmod', ['000', at('Work')]);
    const listing = asNobody(() => entries(source.list(container, undefined, never)));
    await expect(listing).rejects.toMatchObject({ code: 'credentials', next: expect.stringContaining('access') });
  });

  it('tells a path that is not there, and one that holds nothing', async () => {
    const nowhere = createVdirSource(at('nowhere'), 'calendar');
    await expect(all(nowhere.containers(never))).rejects.toMatchObject({ code: 'not-found' });
    await expect(nowhere.describe(never)).rejects.toMatchObject({ code: 'not-found' });
    expect((await calendars().describe(never))[0]?.problem).toMatch(/check the path/);
  });

  it('lists accounts where the path has a place for them, and refuses accounts that would leave it', async () => {
    for (const name of ['anna', 'bert']) await put(`${name}/contacts/Friends/1.vcf`, card(1));
    const access = { account: '', kind: 'contacts' as const, secret: async () => '' };
    const source = connector.source({ path: at('{account}', 'contacts') }, access);
    expect(await source?.accounts?.(never)).toEqual(['anna', 'bert']);
    const leaving = () => connector.source({ path: `${at()}/../x` }, { ...access, account: '..' });
    expect(leaving).toThrow(/cannot be part of a path/);
    expect(() => connector.target({ path: at() }, { ...access, kind: 'mail' })).toThrow(/not mail/);
  });

  it('takes items in the top folder for one collection, with the same keys in both roles', async () => {
    for (const n of [1, 2, 3]) await put(`${n}.vcf`, card(n));
    await put('displayname', 'Customers');
    expect(await shown(books())).toEqual([['.', 'Customers']]);
    expect(Object.keys(await readAll(books(), 'Customers'))).toEqual(['1.vcf', '2.vcf', '3.vcf']);
    const target = createVdirTarget(at(), 'contacts');
    const container = await target.ensure({ path: ['Customers'] }, never);
    expect(container).toMatchObject({ key: '.', created: false, items: 3 });
    written(await apply(target, container, [creating('contacts', 't', card(4))]), 't');
    expect(Object.keys(await readAll(books(), 'Customers')).length).toBe(4);
  });
});
