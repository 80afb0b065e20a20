/** The example specs as they stand, run on real servers: only addresses and secrets are replaced. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject } from '../../connectors/contract.js';
import { digestCalendar } from '../../connectors/kinds/calendar.js';
import { digestContact } from '../../connectors/kinds/contacts.js';
import type { Spec } from '../../schemas/spec.js';
import type { RunResult } from '../../words/runs.js';
import { card } from '../conformance/odd-cards.js';
import { event } from '../conformance/odd-events.js';
import type { DavServer } from '../servers/dav-server.js';
import { startRadicale } from '../servers/radicale.js';
import { fillRadicale, readRadicale } from '../servers/radicale-files.js';
import { example, runSpec } from './example.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

const PEOPLE = ['anna@old.example', 'bela@old.example', 'office@old.example'];
const MOVED = ['anna.berg@new.example', 'bela.nagy@new.example', 'office@new.example'];

let test: TestStack;
let old: DavServer;
let fresh: DavServer;
let dir: string;
beforeAll(async () => {
  process.env.SPEC_PASSWORD = 'secret';
  dir = await mkdtemp(join(tmpdir(), 'drover-specs-'));
  const others = ['team@office.example', 'acme-team', 'sales@example.org'];
  [test, old, fresh] = await Promise.all([
    startTestStack(),
    startRadicale({ users: [...PEOPLE, ...others] }),
    startRadicale({ users: [...MOVED, ...others] }),
  ]);
});
afterAll(async () => {
  await Promise.all([test?.stop(), old?.stop(), fresh?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

const at = (server: DavServer): JsonObject => ({
  url: server.url,
  auth: { username: '{account}', password: { env: 'SPEC_PASSWORD' } },
});

const run = (spec: Spec): Promise<RunResult> => runSpec(test, spec);

const events = (from: number, count: number): [string, Buffer][] =>
  Array.from({ length: count }, (_, n) => [`${from + n}.ics`, event(from + n)]);
const cards = (from: number, count: number): [string, Buffer][] =>
  Array.from({ length: count }, (_, n) => [`${from + n}.vcf`, card(from + n)]);
const digests = (bodies: readonly Buffer[] | undefined): string[] => (bodies ?? []).map(digestCalendar).sort();

it('caldav-to-caldav: a fleet from a CSV', async () => {
  for (const [n, person] of PEOPLE.entries()) {
    fillRadicale(old, person, 'Calendar', 'VCALENDAR', events(n * 100, 12));
    fillRadicale(old, person, 'Birthdays', 'VCALENDAR', events(n * 100 + 50, 2));
  }
  const spec = await example('caldav-to-caldav', { old: at(old), new: at(fresh) });
  expect(await run(spec)).toMatchObject({ state: 'done', units: 3, totals: { items: 36, verified: 36, created: 36 } });
  for (const [n, person] of MOVED.entries()) {
    const there = readRadicale(fresh, person, 'VCALENDAR');
    expect([...there.keys()]).toEqual(['Personal']);
    expect(digests(there.get('Personal'))).toEqual(digests(events(n * 100, 12).map(([, body]) => body)));
  }
  expect(await run(spec)).toMatchObject({ state: 'done', totals: { verified: 36, changed: 0 } });
});

it('team-calendar-two-way', async () => {
  fillRadicale(old, 'team@office.example', 'Team', 'VCALENDAR', events(1_000, 10));
  fillRadicale(fresh, 'acme-team', 'Acme Team', 'VCALENDAR', events(1_005, 10));
  const spec = await example('team-calendar-two-way', { office: at(old), partner: at(fresh) });
  const inStep = (): void => {
    const here = readRadicale(old, 'team@office.example', 'VCALENDAR').get('Team');
    const there = readRadicale(fresh, 'acme-team', 'VCALENDAR').get('Acme Team');
    expect(digests(here)).toEqual(digests(there));
  };
  expect(await run(spec)).toMatchObject({ state: 'done', totals: { items: 15, verified: 15, failures: 0 } });
  inStep();
  fillRadicale(old, 'team@office.example', 'Team', 'VCALENDAR', [
    ['1000.ics', Buffer.from(event(1_000).toString().replace('SUMMARY:', 'SUMMARY:Moved '))],
  ]);
  fillRadicale(fresh, 'acme-team', 'Acme Team', 'VCALENDAR', events(1_900, 1));
  expect(await run(spec)).toMatchObject({ state: 'done', totals: { items: 16, created: 1, updated: 1, failures: 0 } });
  inStep();
  expect(await run(spec)).toMatchObject({ state: 'done', totals: { verified: 16, changed: 0 } });
});

it('contacts-to-postgres: no doubles, nobody without an address', async () => {
  const url = new URL(test.stack.ledgerUrl);
  const nameless = Buffer.from(
    'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:none\r\nFN:No Address\r\nN:Address;No;;;\r\nEND:VCARD\r\n',
  );
  const twin = Buffer.from(
    card(3)
      .toString()
      .replace(/UID:.*/, 'UID:twin')
      .replace('person3@', 'PERSON3@'),
  );
  fillRadicale(old, PEOPLE[0] as string, 'Friends', 'VADDRESSBOOK', [...cards(0, 20), ['none.vcf', nameless]]);
  fillRadicale(old, PEOPLE[0] as string, 'Work', 'VADDRESSBOOK', [...cards(20, 5), ['twin.vcf', twin]]);
  process.env.SPEC_DATABASE = decodeURIComponent(url.password);
  const spec = await example('contacts-to-postgres', {
    dav: at(old),
    database: {
      host: url.hostname,
      port: Number(url.port),
      database: url.pathname.slice(1),
      tls: 'none',
      auth: { username: decodeURIComponent(url.username), password: { env: 'SPEC_DATABASE' } },
    },
  });
  expect(await run(spec)).toMatchObject({
    state: 'done',
    totals: { items: 27, created: 25, verified: 25, skipped: 2, failures: 0 },
  });
  const { rows } = await test.ledger.pool.query<{ owner: string; emails: string[]; vcard: string }>(
    'select owner, emails, vcard from contacts order by uid',
  );
  expect(rows.length).toBe(25);
  expect(rows[0]).toMatchObject({ owner: MOVED[0], emails: ['person0@cards.example'] });
  expect(rows.map((row) => digestContact(Buffer.from(row.vcard))).sort()).toEqual(
    cards(0, 25)
      .map(([, body]) => digestContact(body))
      .sort(),
  );
  fillRadicale(old, PEOPLE[0] as string, 'Friends', 'VADDRESSBOOK', [
    ['1.vcf', Buffer.from(card(1).toString().replace('END:VCARD', 'TITLE:Chief\r\nEND:VCARD'))],
  ]);
  expect(await run(spec)).toMatchObject({ state: 'done', totals: { updated: 1, created: 0, verified: 25 } });
});

it('vdir-backup: mirrors edits and deletions', async () => {
  const spec = await example('vdir-backup', {
    calendars: at(old),
    contacts: at(old),
    'calendar-files': { path: join(dir, '{account}', 'calendars') },
    'contact-files': { path: join(dir, '{account}', 'contacts') },
  });
  const result = await run(spec);
  expect(result).toMatchObject({ state: 'done', failed: 0, totals: { failures: 0 } });
  const folder = join(dir, MOVED[1] as string, 'calendars', 'Calendar');
  const files = await Promise.all(
    (await readdir(folder)).filter((f) => f.endsWith('.ics')).map((f) => readFile(join(folder, f))),
  );
  expect(digests(files)).toEqual(digests(events(100, 12).map(([, body]) => body)));
  expect(await run(spec)).toMatchObject({ state: 'done', totals: { changed: 0 } });
});

it('contacts-import: an export into an address book that holds some already', async () => {
  await mkdir(join(dir, 'import'));
  const file = join(dir, 'import', 'customers.vcf');
  const numbered = (n: number, more = ''): string =>
    card(n)
      .toString()
      .replace('END:VCARD', `X-CUSTOMER-NUMBER:${4711 + n}\r\n${more}END:VCARD`);
  await writeFile(file, Array.from({ length: 30 }, (_, n) => numbered(n)).join(''));
  const known = Buffer.from(numbered(5, 'NOTE:old\r\n').replace(/UID:.*/, 'UID:theirs'));
  fillRadicale(fresh, 'sales@example.org', 'Customers', 'VADDRESSBOOK', [['theirs.vcf', known]]);
  const spec = await example('contacts-import', { export: { path: file }, crm: at(fresh) });
  expect(await run(spec)).toMatchObject({
    state: 'done',
    totals: { created: 29, updated: 1, verified: 30, failures: 0 },
  });
  const there = readRadicale(fresh, 'sales@example.org', 'VADDRESSBOOK').get('Customers') ?? [];
  expect(there.length).toBe(30);
  expect(there.filter((body) => body.includes('NOTE:old'))).toEqual([]);
});
