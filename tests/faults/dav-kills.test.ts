/**
 * Calendars and contacts from one Radicale to another while all workers are killed again and again, somebody else writes
 * into the target, and a calendar goes away from the source in the middle of the run.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject } from '../../connectors/contract.js';
import { digestCalendar } from '../../connectors/kinds/calendar.js';
import { digestContact } from '../../connectors/kinds/contacts.js';
import type { Limits, Spec } from '../../schemas/spec.js';
import { retuneUpdate } from '../../workflows/messages.js';
import { sameCounts } from '../cli/five-counts.js';
import { terminalAt } from '../cli/terminal.js';
import { card, oddCards } from '../conformance/odd-cards.js';
import { event } from '../conformance/odd-events.js';
import { createRandom } from '../sample/random.js';
import type { DavServer } from '../servers/dav-server.js';
import { startRadicale } from '../servers/radicale.js';
import { collectionsOf, dropFromRadicale, fillRadicale, readRadicale } from '../servers/radicale-files.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';

const EVENTS = 400;
const CONTACTS = 300;
const AIMED_KILLS = 3;
const RANDOM_KILLS = 5;
const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

let source: DavServer;
let target: DavServer;
let fleet: Fleet;
beforeAll(async () => {
  [source, target, fleet] = await Promise.all([
    startRadicale({ users: ['anna'] }),
    startRadicale({ users: ['anna'] }),
    startFleet(2, { DAV_PASSWORD: 'secret', DROVER_SLICE_SECONDS: '2' }),
  ]);
});
afterAll(() => Promise.all([fleet?.stop(), source?.stop(), target?.stop()]));

function davSpec(limits: Limits): Spec {
  const options = (server: DavServer): JsonObject => ({
    url: server.url,
    auth: { username: '{account}', password: { env: 'DAV_PASSWORD' } },
  });
  const accounts = [{ from: 'anna', to: 'anna' }];
  return {
    version: 1,
    name: 'dav-killed',
    sources: {
      'old-calendars': { type: 'caldav', options: options(source) },
      'old-contacts': { type: 'carddav', options: options(source) },
    },
    targets: {
      'new-calendars': { type: 'caldav', options: options(target), limits },
      'new-contacts': { type: 'carddav', options: options(target), limits },
    },
    selections: [
      { name: 'calendar', kind: 'calendar', from: 'old-calendars', to: 'new-calendars', accounts },
      { name: 'contacts', kind: 'contacts', from: 'old-contacts', to: 'new-contacts', accounts },
    ],
  };
}

async function aWriteUnderWay(): Promise<void> {
  for (;;) {
    const { rowCount } = await fleet.ledger.pool.query(
      `select from batch b join container c on c.id = b.container join pairing p on p.id = c.pairing
       join lease l on l.place = p.target and l.fence = b.fence and l.until > clock_timestamp() limit 1`,
    );
    if (rowCount) return;
  }
}

/** Another program's contact, put over HTTP while the run is under way. */
async function putByAnother(path: string, body: Buffer): Promise<void> {
  const { status } = await fetch(`${target.url}${path}`, {
    method: 'PUT',
    headers: { authorization: `Basic ${Buffer.from('anna:secret').toString('base64')}`, 'content-type': 'text/vcard' },
    body,
  });
  if (status !== 201) throw new Error(`PUT ${path}: ${status}`);
}

const digestsOf = (found: Map<string, Buffer[]>, digest: (body: Buffer) => string): Record<string, string[]> =>
  Object.fromEntries([...found].map(([name, bodies]) => [name, bodies.map(digest).sort()]));

/** What the items say must lie nowhere: titles, names, addresses. UIDs do, as references. */
async function contentKept(): Promise<string[]> {
  const { pool } = fleet.ledger;
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  );
  const kept: string[] = [readFileSync(fleet.workerLog, 'utf8')];
  for (const { name } of rows) {
    const { rows: all } = await pool.query<{ text: string }>(`select t::text as text from ${name} t`);
    kept.push(...all.map((row) => row.text));
  }
  for await (const { workflowId, runId } of fleet.client.workflow.list()) {
    const history = await fleet.client.workflow.getHandle(workflowId, runId).fetchHistory();
    kept.push(
      JSON.stringify(history, (_, value) => (value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value)),
    );
  }
  return kept.flatMap((text) => /Meeting \d+|Person Number \d+|person\d+@/.exec(text)?.[0] ?? []);
}

it(`loses, doubles and alters nothing (TEST_SEED=${seed})`, async () => {
  const random = createRandom(seed);
  const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => n + from);
  for (const name of ['Work', 'Home']) {
    const from = name === 'Work' ? 0 : EVENTS / 2;
    fillRadicale(
      source,
      'anna',
      name,
      'VCALENDAR',
      numbers(EVENTS / 2, from).map((n) => [`${n}.ics`, event(n)]),
    );
  }
  fillRadicale(
    source,
    'anna',
    'Gone',
    'VCALENDAR',
    numbers(40, 5_000).map((n) => [`${n}.ics`, event(n)]),
  );
  const odd = ['3.0 several values with types', '3.0 a photo inside'].map(
    (name, n) => [`odd${n}.vcf`, oddCards[name]] as const,
  );
  fillRadicale(source, 'anna', 'Friends', 'VADDRESSBOOK', [
    ...numbers(CONTACTS).map((n) => [`${n}.vcf`, card(n)] as const),
    ...(odd as [string, Buffer][]),
  ]);

  const handle = await fleet.apply(davSpec({ itemsPerSecond: 40 }));
  let ended = false;
  const result = handle.result().finally(() => {
    ended = true;
  });
  const killAll = async (): Promise<void> => {
    expect(ended, 'the run must outlast the kills').toBe(false);
    await Promise.all([0, 1].map((n) => fleet.replaceWorker(n)));
  };
  for (let n = 0; n < AIMED_KILLS; n++) {
    await Promise.race([aWriteUnderWay(), result]);
    await killAll();
  }
  dropFromRadicale(source, 'anna', 'Gone');
  // Somebody else can only write once the address book is there.
  const friends = (): string | undefined => collectionsOf(target, 'anna', 'VADDRESSBOOK').get('Friends');
  while (friends() === undefined) await delay(50);
  await putByAnother(`/anna/${friends()}/by-another.vcf`, card(90_000));
  for (let n = 0; n < RANDOM_KILLS; n++) {
    await delay(random.next() * 3_000);
    await killAll();
  }
  await handle.executeUpdate(retuneUpdate, { args: [{ itemsPerSecond: 100_000 }] });
  await result;

  const again = await fleet.apply(davSpec({ itemsPerSecond: 100_000 }));
  expect(await again.result()).toMatchObject({ state: 'done', failed: 0, totals: { failures: 0, duplicates: 0 } });
  await sameCounts(terminalAt(fleet), fleet.client, davSpec({}).name);
  const calendars = digestsOf(readRadicale(target, 'anna', 'VCALENDAR'), digestCalendar);
  const { Work, Home } = digestsOf(readRadicale(source, 'anna', 'VCALENDAR'), digestCalendar);
  expect({ Work: calendars.Work, Home: calendars.Home }).toEqual({ Work, Home });
  const books = digestsOf(readRadicale(target, 'anna', 'VADDRESSBOOK'), digestContact);
  const { Friends = [] } = digestsOf(readRadicale(source, 'anna', 'VADDRESSBOOK'), digestContact);
  expect(books.Friends).toEqual([...Friends, digestContact(card(90_000))].sort());
  const { rows } = await fleet.ledger.pool.query<{ doubts: number }>(
    `select count(*) as doubts from event where message = 'located writes whose answers were lost'`,
  );
  expect(rows[0]?.doubts, 'some kills must have hit writes under way').toBeGreaterThan(0);
  expect(await contentKept(), 'titles and addresses in the ledger, the histories or the log').toEqual([]);
});
