/** What phones, Exchange and old programs export, from files into a server and out of it again: as people see it in the report. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SaxesParser } from 'saxes';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SystemConfig } from '../../schemas/spec.js';
import type { ItemKind } from '../conformance/items.js';
import { davAccount } from '../servers/dav-account.js';
import type { DavServer } from '../servers/dav-server.js';
import { startRadicale } from '../servers/radicale.js';
import { ended } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let radicale: DavServer;
let dir: string;
beforeAll(async () => {
  [server, radicale] = await Promise.all([startLedger(), startRadicale()]);
});
afterAll(() => Promise.all([server.stop(), radicale.stop()]));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-texts-'));
  await server.clear();
  for (const name of ['from', 'to']) await mkdir(join(dir, name));
});
afterEach(() => rm(dir, { recursive: true }));

/** One account each: the other kind's collections are in nobody's way. */
const userOf = { contacts: 'anna', calendar: 'bert' } as const;

const files = (name: string): SystemConfig => ({ type: 'vdir', options: { path: join(dir, name) } });
const dav = (kind: ItemKind): SystemConfig => ({
  type: kind === 'calendar' ? 'caldav' : 'carddav',
  options: { url: radicale.url, auth: { username: userOf[kind], password: { env: 'PASSWORD' } } },
});

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(dir, 'from', path)), { recursive: true });
  await writeFile(join(dir, 'from', path), content);
}

/** Runs a migration, and returns its result and what the report says of each item, by key. */
async function moved(kind: ItemKind, from: SystemConfig, to: SystemConfig) {
  const accounts = [{ from: userOf[kind], to: userOf[kind] }];
  const world = createWorld(server.ledger, { systems: { old: from, new: to }, selection: { kind, accounts } });
  try {
    const result = await ended(world);
    const { rows, verdict } = await reportOf(world, server.ledger);
    const said = Object.fromEntries(
      rows.map(({ key, outcome, reason }) => [key, reason ? `${outcome}: ${reason}` : outcome]),
    );
    return { result, said, verdict };
  } finally {
    await world.close();
  }
}

/** What Radicale stores, by name of the item. */
async function stored(): Promise<Record<string, string>> {
  const root = join(radicale.folder, 'collection-root', 'anna');
  const found: Record<string, string> = {};
  for (const collection of await readdir(root))
    for (const name of await readdir(join(root, collection)))
      if (!name.startsWith('.'))
        found[name] = (await readFile(join(root, collection, name), 'utf8')).replaceAll('\r\n ', '');
  return found;
}

/** Every collection of the account is read as one answer, as programs do, by a parser that takes no excuse. */
async function readAsXml(kind: ItemKind): Promise<void> {
  const { ask } = davAccount({ url: radicale.url, home: `/${userOf[kind]}/`, user: userOf[kind] }, kind);
  const query =
    kind === 'calendar'
      ? '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
      : '<C:addressbook-query xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:"><D:prop><C:address-data/></D:prop><C:filter/></C:addressbook-query>';
  for (const collection of await readdir(join(radicale.folder, 'collection-root', userOf[kind]))) {
    const answer = await ask(
      'REPORT',
      `/${userOf[kind]}/${collection}/`,
      { depth: '1', 'content-type': 'application/xml' },
      query,
    );
    const parser = new SaxesParser({ xmlns: true });
    parser.on('error', (error) => {
      throw error;
    });
    parser.write(await answer.text()).close();
  }
}

const card = (version: string, uid: string, ...lines: string[]): string =>
  `${['BEGIN:VCARD', `VERSION:${version}`, `UID:${uid}`, 'FN:A', 'N:A;;;;', ...lines, 'END:VCARD'].join('\r\n')}\r\n`;
const calendar = (...lines: string[]): string =>
  `${['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', ...lines, 'END:VCALENDAR'].join('\r\n')}\r\n`;
const ZONE = '(UTC+01:00) Amsterdam, Berlin, Rome';
const zone = [
  ...['BEGIN:VTIMEZONE', `TZID:${ZONE}`, 'BEGIN:STANDARD', 'DTSTART:16010101T000000'],
  ...['TZOFFSETFROM:+0100', 'TZOFFSETTO:+0100', 'END:STANDARD', 'END:VTIMEZONE'],
];
const event = (uid: string, ...lines: string[]): string[] => [
  ...['BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20240101T000000Z', 'DTSTART:20240110T090000Z', ...lines, 'END:VEVENT'],
];

const TAKEN_OUT = 'verified: control characters, which are not allowed, were taken out';

describe('contacts of phones and old programs', () => {
  it('arrive as they were meant, and none makes the book unreadable for its neighbours', async () => {
    await put('Book/a.vcf', card('3.0', 'a', 'TITLE;CHARSET=UTF-8:Con\x10trol', 'NOTE:non\ufffechar'));
    await put('Book/b.vcf', card('2.1', 'b', 'NOTE;ENCODING=QUOTED-PRINTABLE:a=0Cb=00c', 'ORG:C:\\new, The;Dept'));
    await put('Book/c.vcf', Buffer.from(card('3.0', 'c', 'TITLE;CHARSET=ISO-8859-1:J\xf6rg'), 'latin1'));
    await put('Book/d.vcf', card('3.0', 'd', 'ADR;HOME;ENCODING=QUOTED-PRINTABLE:;;=42=6F =', '=32;=4B;;;'));
    await put(
      'Book/e.vcf',
      card('3.0', 'e', 'ADR:;;Street;Mountain ', 'View;CA;94040;USA', 'NOTE:Bring', 'tools; too'),
    );
    await put('Book/f.vcf', card('3.0', 'f', 'PHOTO;ENCODING=BASE64;TYPE=JPEG:/9j/4AAQSkZJRgABAQEASABIAAD/'));
    await put('Book/g.vcf', card('3.0', 'g').replaceAll('\r\n', '\r\r\n'));
    await put('old.vcf', (card('3.0', 'h') + card('3.0', 'i')).replaceAll('\r\n', '\r'));

    const { result, said, verdict } = await moved('contacts', files('from'), dav('contacts'));

    expect(said).toEqual({
      'a.vcf': TAKEN_OUT,
      'b.vcf': TAKEN_OUT,
      'c.vcf': 'verified',
      'd.vcf': 'verified',
      'e.vcf': expect.stringMatching(/^verified: .*joined to ADR; .*joined to NOTE$/),
      'f.vcf': 'verified',
      'g.vcf': 'verified',
      h: 'verified',
      i: 'verified',
    });
    expect([result.state, verdict]).toEqual([
      'done',
      expect.objectContaining({ complete: true, items: 9, verified: 9 }),
    ]);
    const there = await stored();
    expect(there['b.vcf']).toMatch(/^ORG:C:\\\\new\\, The;Dept\r$/m);
    expect(there['c.vcf']).toMatch(/^TITLE:Jörg\r$/m);
    expect(there['d.vcf']).toMatch(/^ADR;TYPE=HOME:;;Bo 2;K;;;\r$/m);
    expect(there['e.vcf']).toMatch(/^ADR:;;Street;Mountain View;CA;94040;USA\r$/m);
    expect(there['e.vcf']).toMatch(/^NOTE:Bring\\ntools\\; too\r$/m);
    await readAsXml('contacts');
  });
});

describe('calendars of Exchange and Apple', () => {
  it('arrive with the zones they name, and out of the server’s own export again', async () => {
    const at = (name: string, time: string): string => `${name};TZID="${ZONE}":${time}`;
    const series = [at('DTSTART', '20240710T090000'), 'RRULE:FREQ=WEEKLY;COUNT=5', at('EXDATE', '20240717T090000')];
    const entry = event('a', ...series).filter((line) => !line.startsWith('DTSTART:'));
    await put('Team/a.ics', calendar(...zone, ...entry, ...event('a', at('RECURRENCE-ID', '20240724T090000'))));
    await put(
      'Team/b.ics',
      calendar(...event('b', 'SUMMARY:non\ufffechar', 'BEGIN:VALARM', 'TRIGGER:-PT5M', 'END:VALARM')),
    );
    await put(
      'Team/c.ics',
      calendar(...event('c', 'SUMMARY:The \\"Iron Curtain\\" speech')).replaceAll('\r\n', '\r\r\n'),
    );

    const there = await moved('calendar', files('from'), dav('calendar'));

    expect(there.said).toEqual({
      'a.ics': 'verified',
      'b.ics': `${TAKEN_OUT}; an alarm without ACTION got that of a sound`,
      'c.ics': 'verified',
    });
    await readAsXml('calendar');
    const { ask } = davAccount({ url: radicale.url, home: '/bert/', user: 'bert' }, 'calendar');
    await rm(join(dir, 'from'), { recursive: true });
    for (const collection of await readdir(join(radicale.folder, 'collection-root', 'bert'))) {
      await put('export.ics', await (await ask('GET', `/bert/${collection}/`)).text());
    }

    const again = await moved('calendar', files('from'), files('to'));

    expect(again.said).toEqual({ a: 'verified', b: 'verified', c: 'verified' });
    expect(await readFile(join(dir, 'to', 'Team', 'a.ics'), 'utf8')).toContain('BEGIN:VTIMEZONE');
  });
});
