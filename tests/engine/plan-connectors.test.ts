/** A plan before any run, the same plan again, the run, and a plan with nothing to do: on Maildirs and on a CalDAV server. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import type { PlanResult } from '../../words/plan.js';
import type { DavServer } from '../servers/dav-server.js';
import { startRadicale } from '../servers/radicale.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;
let server: LedgerServer;
let radicale: DavServer | undefined;
let world: World;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(async () => {
  await radicale?.stop();
  await server.stop();
});
afterEach(() => world.close());

async function planned(dryRun = false): Promise<PlanResult> {
  const { spec } = world;
  return plan(world.deps, { spec, specHash: specHash(spec), dryRun }, new AbortController().signal, () => {});
}

/** Twice the same, then the run, which does that; then there is nothing to do. `looked`: mail is looked at in a dry run. */
async function keeps(): Promise<PlanResult['totals']> {
  const first = await planned(true);
  expect(await planned(true)).toEqual(first);
  const closed = (await world.run()) as ClosedRun;
  const { created, updated, moved, removed, skipped } = closed.totals;
  const { create, update, remove, skip } = first.totals;
  expect({ create: created, update: updated, moved, remove: removed, skip: skipped }).toEqual({
    ...{ create, update, remove, skip },
    moved: first.totals.moved,
  });
  expect((await planned()).totals).toMatchObject({ create: 0, update: 0, moved: 0, remove: 0, make: 0 });
  return first.totals;
}

test('Maildir: copies in the target, duplicates, sizes, and mail that went to another folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'drover-plan-'));
  const put = async (side: string, folder: string, name: string, lines: number): Promise<void> => {
    for (const sub of ['cur', 'new', 'tmp']) await mkdir(join(dir, side, folder, sub), { recursive: true });
    const text = `From: a@old.example\nMessage-ID: <${lines}@old.example>\nSubject: ${lines}\n\n${'a line\n'.repeat(lines)}`;
    await writeFile(join(dir, side, folder, 'cur', `${name}:2,`), text);
  };
  try {
    for (const n of [1, 2, 3, 4, 5]) await put('from', '', `${n}.a.host`, n);
    await put('from', '.Sent', '6.a.host', 6);
    await put('from', '.Sent', '7.a.host', 6);
    await put('from', '.Sent', '8.a.host', 400);
    await put('to', '', '9.b.host', 2);
    world = createWorld(server.ledger, {
      selection: { ...MIRROR, exclude: { larger: 1_000 } },
      systems: {
        old: { type: 'maildir', options: { path: join(dir, 'from') } },
        new: { type: 'maildir', options: { path: join(dir, 'to') } },
      },
    });
    expect(await keeps()).toMatchObject({ create: 6, adopt: 1, excluded: 1 });
    await put('from', '.Projects', '10.a.host', 9);
    await rename(join(dir, 'from/cur/1.a.host:2,'), join(dir, 'from/.Projects/cur/1.a.host:2,'));
    await rename(join(dir, 'from/cur/3.a.host:2,'), join(dir, 'from/.Sent/cur/3.a.host:2,S'));
    await rm(join(dir, 'from/cur/4.a.host:2,'));
    // Without a dry run, too: what is as large as something that left is read.
    expect((await planned()).totals).toMatchObject({ create: 1, moved: 2, remove: 1 });
    expect(await keeps()).toMatchObject({ create: 1, moved: 2, remove: 1 });
    expect((await readdir(join(dir, 'to/.Projects/cur'))).length).toBe(2);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

const event = (n: number, summary = `event ${n}`): string =>
  [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', 'BEGIN:VEVENT', `UID:event-${n}`, 'DTSTAMP:20260101T000000Z'],
    ...['DTSTART:20260101T100000Z', `SUMMARY:${summary}`, 'END:VEVENT', 'END:VCALENDAR', ''],
  ].join('\r\n');

test.each([
  ['one way', {}],
  ['both ways', { mode: 'two-way' }],
] as const)('CalDAV, %s: copies in the target, edits, and events that went to another calendar', async (way, mode) => {
  radicale ??= await startRadicale({ users: ['anna1', 'bert1', 'anna2', 'bert2'] });
  const users = way === 'one way' ? { from: 'anna1', to: 'bert1' } : { from: 'anna2', to: 'bert2' };
  const { url } = radicale;
  const ask = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
    const user = path.split('/')[1];
    const authorization = `Basic ${Buffer.from(`${user}:secret`).toString('base64')}`;
    const sent = { method, headers: { authorization, ...headers }, ...(body !== undefined && { body }) };
    const response = await fetch(url + path, sent);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  };
  const calendar = (user: string, name: string): Promise<void> =>
    ask(
      'MKCOL',
      `/${user}/${name}/`,
      '<?xml version="1.0"?><D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>' +
        `<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>${name}</D:displayname>` +
        '</D:prop></D:set></D:mkcol>',
    );
  const put = (user: string, name: string, n: number, summary?: string): Promise<void> =>
    ask('PUT', `/${user}/${name}/${n}.ics`, event(n, summary), { 'content-type': 'text/calendar' });
  for (const name of ['Work', 'Home']) await calendar(users.from, name);
  for (const n of [1, 2, 3, 4]) await put(users.from, 'Work', n);
  await put(users.from, 'Home', 5);
  await calendar(users.to, 'Work');
  await put(users.to, 'Work', 2);
  const system = { type: 'caldav', options: { url, auth: { username: '{account}', password: { env: 'PASSWORD' } } } };
  world = createWorld(server.ledger, {
    selection: { kind: 'calendar', name: 'events', accounts: [users], ...MIRROR, ...mode },
    systems: { old: system, new: system },
  });
  expect(await keeps()).toMatchObject({ create: 4, adopt: 1 });
  await ask('MOVE', `/${users.from}/Work/1.ics`, undefined, { destination: `${url}/${users.from}/Home/1.ics` });
  await put(users.from, 'Work', 3, 'another title');
  await ask('DELETE', `/${users.from}/Work/4.ics`);
  await put(users.from, 'Home', 6);
  expect(await keeps()).toMatchObject({ create: 1, update: 1, moved: 1, remove: 1, unchanged: 2 });
});
