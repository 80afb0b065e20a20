/** What became of whole companies on a real SOGo: meetings and their mails, edits, tokens, names; tsdav looks at the results. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAVClient } from 'tsdav';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { SelectionWithAccounts, SystemConfig } from '../../schemas/spec.js';
import { card } from '../conformance/odd-cards.js';
import { event } from '../conformance/odd-events.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { reportOf } from '../engine/report-of.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import { davAccount } from '../servers/dav-account.js';
import type { Sogo } from '../servers/sogo.js';
import { startSogo } from '../servers/sogo.js';

let sogo: Sogo;
let ledger: LedgerServer;
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  [sogo, ledger] = await Promise.all([startSogo(), startLedger()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([sogo?.stop(), ledger?.stop()]);
});
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const onSogo = (type: 'caldav' | 'carddav', more = {}): SystemConfig => ({
  type,
  options: { url: sogo.url, auth: { username: '{account}', password: { env: 'PASSWORD' } }, ...more },
});
const vdir = (path: string): SystemConfig => ({ type: 'vdir', options: { path: join(path, '{account}') } });

/** Collections of files: `anna/Work/1.ics`. */
async function folder(files: Readonly<Record<string, Buffer>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-sogo-'));
  ending.push(() => rm(dir, { recursive: true, force: true }));
  for (const [path, body] of Object.entries(files)) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), body);
  }
  return dir;
}

function migration(old: SystemConfig, fresh: SystemConfig, selection: Partial<SelectionWithAccounts>): World {
  const world = createWorld(ledger.ledger, { systems: { old, new: fresh }, selection });
  ending.push(() => world.close());
  return world;
}

async function run(world: World): Promise<ClosedRun> {
  const result = await world.run();
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

const people = (...names: string[]): SelectionWithAccounts['accounts'] =>
  names.map((name) => ({ from: name, to: name }));

async function person(): Promise<string> {
  const name = `p${Math.random().toString(36).slice(2, 10)}`;
  await sogo.addUser(name);
  return name;
}

const calendarOf = (user: string) =>
  davAccount({ url: sogo.url, home: `/SOGo/dav/${user}/Calendar/`, user }, 'calendar');

/** Another program's view: each calendar's entries by UID. */
async function seenBy(user: string): Promise<Record<string, Record<string, string>>> {
  const client = new DAVClient({
    serverUrl: `${sogo.url}/SOGo/dav/${user}/`,
    credentials: { username: user, password: 'secret' },
    authMethod: 'Basic',
    defaultAccountType: 'caldav',
  });
  await client.login();
  const seen: Record<string, Record<string, string>> = {};
  for (const calendar of await client.fetchCalendars()) {
    const entries: Record<string, string> = {};
    // Meetings of this test are in years that a default range would leave out.
    const objects = await client.fetchCalendarObjects({ calendar, useMultiGet: true });
    for (const { data } of objects) {
      const text = String(data).replace(/\r?\n[ \t]/g, '');
      entries[/^UID:(.*?)\r?$/m.exec(text)?.[1] ?? '?'] = text;
    }
    seen[String(calendar.displayName)] = entries;
  }
  return seen;
}

/** A meeting of anna and bela with somebody from elsewhere, as a copy of one of them has it. */
function meeting(uid: string, organizer: string, attendees: Readonly<Record<string, string>>, day = 10): Buffer {
  const address = (who: string): string => `mailto:${who}${who.includes('@') ? '' : '@example.test'}`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Test//EN',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    'DTSTAMP:20260101T000000Z',
    `DTSTART:203005${day}T090000Z`,
    `DTEND:203005${day}T100000Z`,
    'SUMMARY:Meeting',
    `ORGANIZER;CN=The boss:${address(organizer)}`,
    ...Object.entries(attendees).map(
      ([who, answer]) => `ATTENDEE;CN=${who.split('@')[0]};PARTSTAT=${answer}:${address(who)}`,
    ),
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

it('takes a company’s meetings, mails nobody, and keeps each answer', async () => {
  const [anna, bela] = [await person(), await person()];
  const all = { [anna]: 'ACCEPTED', [bela]: 'TENTATIVE', 'ext@outside.example': 'NEEDS-ACTION' };
  const dir = await folder({
    [`${anna}/Personal Calendar/m.ics`]: meeting('m1', anna, all),
    [`${anna}/Personal Calendar/e.ics`]: event(1),
    [`${bela}/Personal Calendar/m.ics`]: meeting('m1', anna, all),
    [`${bela}/Personal Calendar/x.ics`]: meeting('m2', 'boss@outside.example', {
      [bela]: 'DECLINED',
      'ext@outside.example': 'ACCEPTED',
    }),
  });
  const before = sogo.mails.length;
  // The attendee comes first in the spec: an invitation waits for its organiser.
  const world = migration(vdir(dir), onSogo('caldav'), { kind: 'calendar', accounts: people(bela, anna) });

  const first = await run(world);
  const again = await run(world);

  const { rows } = await reportOf(world, ledger.ledger);
  expect({ state: first.state, rows: rows.filter(({ outcome }) => outcome !== 'verified') }).toEqual({
    state: 'done',
    rows: [],
  });
  expect(first.totals).toMatchObject({ items: 4, verified: 4, failures: 0 });
  expect(again.totals).toMatchObject({ verified: 4, created: 0, updated: 0 });
  expect(sogo.mails.length).toBe(before);
  const [hers, his] = [await seenBy(anna), await seenBy(bela)];
  expect(Object.keys(hers['Personal Calendar'] ?? {}).sort()).toEqual(['m1', expect.stringContaining('')]);
  expect(Object.keys(his['Personal Calendar'] ?? {}).sort()).toEqual(['m1', 'm2']);
  expect(his['Personal Calendar']?.m1).toMatch(new RegExp(`PARTSTAT=TENTATIVE[^\\r\\n]*${bela}@example.test`));
  expect(his['Personal Calendar']?.m2).toMatch(/PARTSTAT=DECLINED/);
  // People's own later changes are mailed again.
  expect(hers['Personal Calendar']?.m1).not.toContain('SCHEDULE-AGENT');
  expect(rows.find(({ key }) => key === 'm.ics')?.reason ?? '').toBeDefined();
});

it('carries the edit and the deletion of a meeting, and mails nobody', async () => {
  const [anna, bela] = [await person(), await person()];
  const all = { [anna]: 'ACCEPTED', [bela]: 'ACCEPTED' };
  const dir = await folder({
    [`${anna}/Personal Calendar/m.ics`]: meeting('m1', anna, all),
    [`${anna}/Personal Calendar/n.ics`]: meeting('m2', anna, all),
  });
  const mirror = { kind: 'calendar', accounts: people(anna), deletions: 'mirror', maxDeletions: 1 } as const;
  const world = migration(vdir(dir), onSogo('caldav'), mirror);
  const before = sogo.mails.length;
  await run(world);
  await writeFile(join(dir, anna, 'Personal Calendar', 'm.ics'), meeting('m1', anna, all, 20));
  await rm(join(dir, anna, 'Personal Calendar', 'n.ics'));

  const { state, totals } = await run(world);

  expect({ state, totals }).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, updated: 1, removed: 1 } });
  expect(sogo.mails.length).toBe(before);
  const seen = (await seenBy(anna))['Personal Calendar'] ?? {};
  expect(Object.keys(seen)).toEqual(['m1']);
  expect(seen.m1).toContain('DTSTART:20300520T090000Z');
});

it('does not remove what somebody edited there, though it ignores the condition', async () => {
  const anna = await person();
  const dir = await folder({
    [`${anna}/Work/1.ics`]: event(1),
    [`${anna}/Work/2.ics`]: event(2),
    [`${anna}/Work/3.ics`]: event(3),
  });
  const mirror = { kind: 'calendar', accounts: people(anna), deletions: 'mirror', maxDeletions: 1 } as const;
  const world = migration(vdir(dir), onSogo('caldav'), mirror);
  await run(world);
  const there = calendarOf(anna);
  const home = (await (await there.ask('PROPFIND', `/SOGo/dav/${anna}/Calendar/`, { depth: '1' })).text()).match(
    /href>([^<]*work[^<]*\/)</i,
  )?.[1] as string;
  const edited = Buffer.from(event(1).toString().replace('SUMMARY:', 'SUMMARY:by hand '));
  const names = [...(await (await there.ask('PROPFIND', home, { depth: '1' })).text()).matchAll(/href>([^<]*\.ics)</g)];
  for (const [, href = ''] of names) {
    const body = await (await there.ask('GET', href)).text();
    if (body.includes(/UID:(.*)/.exec(event(1).toString())?.[1]?.trim() as string))
      await there.ask('PUT', href, { 'content-type': 'text/calendar; charset=utf-8' }, edited);
  }
  for (const n of [1, 2]) await rm(join(dir, anna, 'Work', `${n}.ics`));

  const { totals } = await run(world);

  expect(totals).toMatchObject({ removed: 1 });
  expect(Object.values((await seenBy(anna)).Work ?? {}).join('')).toContain('by hand');
  expect(Object.keys((await seenBy(anna)).Work ?? {})).toHaveLength(2);
});

it('as a source misses nothing that people write in the seconds of a survey', async () => {
  const anna = await person();
  const there = calendarOf(anna);
  await there.makeContainer('Work', 'work');
  const dir = await folder({});
  const world = migration(onSogo('caldav'), vdir(dir), { kind: 'calendar', accounts: people(anna) });
  const put = (n: number): Promise<Response> =>
    there.ask(
      'PUT',
      `/SOGo/dav/${anna}/Calendar/work/n${n}.ics`,
      { 'content-type': 'text/calendar; charset=utf-8' },
      event(n),
    );
  let n = 0;
  for (let round = 0; round < 3; round++) {
    const running = run(world);
    let over = false;
    void running.finally(() => {
      over = true;
    });
    while (!over) await put(n++);
    await running;
  }

  expect((await run(world)).totals).toMatchObject({ items: n, verified: n });
}, 120_000);

it('shows neither the directory nor what others share, and keeps the name of an empty book', async () => {
  const anna = await person();
  const books = await folder({ [`${anna}/Odd cards/.keep`]: Buffer.alloc(0), [`${anna}/Contacts 2/1.vcf`]: card(1) });
  const there = davAccount({ url: sogo.url, home: `/SOGo/dav/${anna}/Contacts/`, user: anna }, 'contacts');
  const into = migration(vdir(books), onSogo('carddav'), { kind: 'contacts', accounts: people(anna) });
  const back = await folder({});
  const out = migration(onSogo('carddav'), vdir(back), { kind: 'contacts', accounts: people(anna) });

  const first = await run(into);
  const second = await run(out);

  const shown = await (await there.ask('PROPFIND', `/SOGo/dav/${anna}/Contacts/`, { depth: '1' })).text();
  expect(shown).toContain('Company directory');
  expect(first.totals).toMatchObject({ items: 1, verified: 1 });
  expect(second.totals).toMatchObject({ items: 1, verified: 1 });
  expect((await reportOf(out, ledger.ledger)).folders.map(({ folder: path }) => path.join('/')).sort()).not.toContain(
    'Company directory',
  );
});

it('works without a proxy before it, which closes connections as it likes', async () => {
  const anna = await person();
  const dir = await folder({ [`${anna}/Work/1.ics`]: event(1) });
  const direct = onSogo('caldav', { url: `${sogo.direct}/SOGo/dav/{account}/` });
  const world = migration(vdir(dir), direct, { kind: 'calendar', accounts: people(anna) });

  expect(await run(world)).toMatchObject({ state: 'done', totals: { items: 1, verified: 1 } });
});
