/** Worker processes killed at random moments, again and again: nothing lost, doubled or altered. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { retuneUpdate } from '../../workflows/messages.js';
import { sameCounts } from '../cli/five-counts.js';
import { terminalAt } from '../cli/terminal.js';
import { createRandom } from '../sample/random.js';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
import type { TestProxy } from '../servers/proxy.js';
import { startProxy } from '../servers/proxy.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';
import {
  contentsOf,
  difference,
  fillMaildir,
  imapSystem,
  mailSpec,
  PASSWORD_VARIABLE,
  smallMailbox,
} from './mailboxes.js';

const PEOPLE = ['anna', 'bert', 'cleo'] as const;
const MESSAGES = [2_500, 1_500, 1_000] as const;
/** Each kills one process at a random moment. */
const RANDOM_KILLS = 11;
/** Each kills all processes while a write is under way. */
const AIMED_KILLS = 4;
const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

let source: Dovecot;
let target: Dovecot;
/** On the way to the target: over a line of 50 ms a write takes long enough to be hit. */
let line: TestProxy;
let fleet: Fleet;
beforeAll(async () => {
  const users = Object.fromEntries(PEOPLE.map((name) => [name, 'secret']));
  [source, target, fleet] = await Promise.all([
    startDovecot({ users }),
    startDovecot({ users }),
    startFleet(PEOPLE.length, { [PASSWORD_VARIABLE]: 'secret', DROVER_SLICE_SECONDS: '2' }),
  ]);
  line = await startProxy({ to: target, delayMs: 25 });
});
afterAll(() => Promise.all([fleet?.stop(), source?.stop(), line?.stop(), target?.stop()]));

/** Resolves when the ledger holds an intent that a living worker is about to write, or has just written. */
async function aWriteUnderWay(): Promise<void> {
  for (;;) {
    const { rowCount } = await fleet.ledger.pool.query(
      `select from batch b join container c on c.id = b.container join pairing p on p.id = c.pairing
       join lease l on l.place = p.target and l.fence = b.fence and l.until > clock_timestamp() limit 1`,
    );
    if (rowCount) return;
  }
}

it(`survives 23 kills during 5,000 messages (TEST_SEED=${seed})`, async () => {
  const random = createRandom(seed);
  PEOPLE.forEach((person, n) => {
    fillMaildir(source, person, smallMailbox(seed + n, MESSAGES[n] as number));
  });
  // Slow enough that there is work to be killed in until the last kill; after it the brake is taken off.
  const limits = { itemsPerSecond: 120 };
  const spec = mailSpec(
    'killed',
    imapSystem(source),
    imapSystem(line, { limits }),
    PEOPLE.map((name) => [name, name]),
  );
  const handle = await fleet.apply(spec);
  let ended = false;
  const result = handle.result().finally(() => {
    ended = true;
  });

  const everyone = PEOPLE.map((_, n) => n);
  let kills = 0;
  const kill = async (who: readonly number[]) => {
    expect(ended, `the run must outlast the kills; ${kills} so far`).toBe(false);
    kills += who.length;
    await Promise.all(who.map((n) => fleet.replaceWorker(n)));
  };
  for (let n = 0; n < AIMED_KILLS; n++) {
    await Promise.race([aWriteUnderWay(), result]);
    await kill(everyone);
  }
  for (let n = 0; n < RANDOM_KILLS; n++) {
    await delay(random.next() * 5_000);
    await kill([random.below(PEOPLE.length)]);
  }
  expect(kills).toBe(RANDOM_KILLS + AIMED_KILLS * PEOPLE.length);
  await handle.executeUpdate(retuneUpdate, { args: [{ itemsPerSecond: 100_000 }] });

  expect(await result).toMatchObject({
    state: 'done',
    failed: 0,
    totals: { items: 5_000, verified: 5_000, failures: 0, duplicates: 0 },
  });
  let held = 0;
  for (const person of PEOPLE) {
    const [before, after] = [await contentsOf(source, person), await contentsOf(target, person)];
    expect(difference(before, after), person).toEqual({ lost: [], extra: [] });
    expect(after.length).toBe(MESSAGES[PEOPLE.indexOf(person)]);
    held += after.length;
  }
  const said = await sameCounts(terminalAt(fleet), fleet.client, spec.name);
  expect(said).toEqual({ words: 'all 5,000 items verified', copies: held });
  const { rows } = await fleet.ledger.pool.query<{ doubts: number; quarantined: number }>(
    `select (select count(*) from event where message = 'located writes whose answers were lost') as doubts,
       (select count(*) from item where outcome = 'quarantined') as quarantined`,
  );
  expect(rows[0]).toMatchObject({ quarantined: 0 });
  expect(rows[0]?.doubts, 'some kills must have hit writes under way').toBeGreaterThan(0);
});
