/** What became of accounts on a real DAViCal: names that it gives back as XML, and items that it stumbles over. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAVClient } from 'tsdav';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { event, oddEvents } from '../conformance/odd-events.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { reportOf } from '../engine/report-of.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import type { Davical } from '../servers/davical.js';
import { startDavical } from '../servers/davical.js';

let davical: Davical;
let ledger: LedgerServer;
let dir: string;

beforeAll(async () => {
  [davical, ledger] = await Promise.all([startDavical(), startLedger()]);
  dir = await mkdtemp(join(tmpdir(), 'drover-davical-'));
}, 60_000);
afterAll(async () => {
  await Promise.all([davical?.stop(), ledger?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

/** With an RDATE that is a period. */
const refused = oddEvents['a series in a zone with exceptions and additions'] as Buffer;

async function run(world: World): Promise<ClosedRun> {
  const result = await world.run();
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

it('finds a calendar again whose name it gives back as XML, and names what it stumbles over', async () => {
  const calendar = join(dir, 'anna', 'Work & Fun');
  await mkdir(calendar, { recursive: true });
  for (let n = 0; n < 6; n++) await writeFile(join(calendar, `${n}.ics`), event(n));
  await writeFile(join(calendar, 'period.ics'), refused);
  const world = createWorld(ledger.ledger, {
    systems: {
      old: { type: 'vdir', options: { path: join(dir, '{account}') } },
      new: { type: 'caldav', options: { url: davical.url, auth: { username: '{account}', password: { env: 'X' } } } },
    },
    selection: { kind: 'calendar', accounts: [{ from: 'anna', to: 'anna' }] },
  });

  const first = await run(world);
  await writeFile(join(calendar, '7.ics'), event(7));
  const second = await run(world);
  const third = await run(world);

  const { rows } = await reportOf(world, ledger.ledger);
  expect(first.totals).toMatchObject({ items: 7, verified: 6, failures: 1 });
  expect(second.totals).toMatchObject({ items: 8, verified: 7, created: 1, failures: 1 });
  expect(third.totals).toMatchObject({ items: 8, verified: 7, created: 0, failures: 1 });
  expect(
    rows.filter(({ outcome }) => outcome !== 'verified').map(({ key, outcome, reason }) => [key, outcome, reason]),
  ).toEqual([['period.ics', 'refused', expect.stringContaining('the server answered 500')]]);
  const client = new DAVClient({
    serverUrl: `${davical.url}/caldav.php/anna/`,
    credentials: { username: 'anna', password: 'secret' },
    authMethod: 'Basic',
    defaultAccountType: 'caldav',
  });
  await client.login();
  const calendars = await client.fetchCalendars();
  expect(calendars.map(({ displayName }) => String(displayName).replaceAll('&amp;', '&'))).toEqual(['Work & Fun']);
  expect(await client.fetchCalendarObjects({ calendar: calendars[0] as (typeof calendars)[0] })).toHaveLength(7);
  await world.close();
}, 60_000);
