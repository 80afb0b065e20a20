import { appendFile, mkdir, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { entries, never } from '../../tests/conformance/collect.js';
import { containerIn } from '../../tests/conformance/items.js';
import { card } from '../../tests/conformance/odd-cards.js';
import { event } from '../../tests/conformance/odd-events.js';
import { readAll, shown, vdirFolder } from '../../tests/sample/vdir-folder.js';
import type { Container } from '../contract.js';
import { createVdirSource } from './source.js';

const { at, put, namesIn } = vdirFolder();
const calendars = () => createVdirSource(at(), 'calendar');
const books = () => createVdirSource(at(), 'contacts');

describe('export files as sources', () => {
  const exported = (...bodies: Buffer[]) =>
    Buffer.from(
      `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nX-WR-CALNAME:Team\\, Süd\r\nX-APPLE-CALENDAR-COLOR:#00ff00\r\n${bodies
        .map((body) =>
          body
            .toString()
            .replace(/^[\s\S]*?(?=BEGIN:VEVENT)/, '')
            .replace('END:VCALENDAR\r\n', ''),
        )
        .join('')}END:VCALENDAR\r\n`,
    );

  it('are collections of their own, beside folders, named as they say', async () => {
    await put('Work/1.ics', event(1));
    await put('export.ics', exported(event(1), event(2)));
    await put('people.vcf', Buffer.concat([card(1), card(2)]));
    expect(await shown(calendars())).toEqual([
      ['Work', 'Work'],
      ['export.ics', 'Team, Süd'],
    ]);
    expect((await containerIn(calendars(), ['Team, Süd'])).properties).toEqual({ color: '#00ff00' });
    expect(await shown(books())).toEqual([['people.vcf', 'people']]);
    expect(Object.keys(await readAll(calendars(), 'Team, Süd'))).toHaveLength(2);
  });

  it('can be named by themselves', async () => {
    await put('people.vcf', Buffer.concat([card(1), card(2)]));
    const source = createVdirSource(at('people.vcf'), 'contacts');
    expect(await shown(source)).toEqual([['people.vcf', 'people']]);
    const read = await readAll(source, 'people');
    expect(Object.values(read).sort()).toEqual([card(1).toString(), card(2).toString()].sort());
    expect(await source.describe(never)).toEqual([{ name: 'collections', value: '0 folders, 1 export files' }]);
    await rm(at('people.vcf'));
    const gone: Container = { key: 'people.vcf', path: ['people'], validity: '1' };
    await expect(entries(source.list(gone, undefined, never))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('tell twins of one UID, odd UIDs and missing ones apart, the same each time', async () => {
    const named = (uid: string | undefined, n: number) =>
      card(n)
        .toString()
        .replace(/^UID:.*\r\n/m, uid === undefined ? '' : `UID:${uid}\r\n`);
    const uids = ['a', 'a', 'a#2', undefined, 'x'.repeat(5000), 'a'];
    await put('people.vcf', uids.map((uid, n) => named(uid, n)).join(''));
    const [once, again] = [await readAll(books(), 'people'), await readAll(books(), 'people')];
    const keys = Object.keys(once);
    expect(keys).toHaveLength(6);
    expect(keys.filter((key) => key.startsWith('a'))).toEqual(['a', 'a#2', 'a#2#2', 'a#3']);
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(201);
    expect(again).toEqual(once);
    expect(Object.values(once).sort()).toEqual(uids.map((uid, n) => named(uid, n)).sort());
  });

  it('are read anew when they changed, with versions that follow from the content alone', async () => {
    await put('people.vcf', Buffer.concat([card(1), card(2)]));
    const source = books();
    const look = async () => {
      const container = await containerIn(source, ['people']);
      const refs = await entries(source.list(container, undefined, never));
      return { token: container.token, versions: new Map(refs.map(({ key, version }) => [key, version])) };
    };
    const before = await look();
    await appendFile(at('people.vcf'), card(3));
    const after = await look();
    expect(after.token).not.toBe(before.token);
    expect(after.versions.size).toBe(3);
    for (const [key, version] of before.versions) expect(after.versions.get(key)).toBe(version);
    expect(await look()).toEqual(after);
  });

  it('leave nothing in the temporary folder', async () => {
    await put('people.vcf', Buffer.concat([card(1), card(2)]));
    const temporary = process.env.TMPDIR;
    process.env.TMPDIR = at('tmp');
    await mkdir(at('tmp'));
    const source = books();
    try {
      expect(Object.keys(await readAll(source, 'people'))).toHaveLength(2);
    } finally {
      if (temporary === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = temporary;
    }
    expect(await namesIn('tmp')).toEqual([]);
    source.close();
    await expect(readAll(source, 'people')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('hold what is no item to the end of the file, for the kind to judge', async () => {
    await put('people.vcf', `${card(1)}hello\r\n${card(2)}BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Torn`);
    expect(Object.values(await readAll(books(), 'people'))).toHaveLength(4);
  });
});
