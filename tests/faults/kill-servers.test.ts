/** PostgreSQL, Temporal, and everything at once killed while mail moves: nothing lost, doubled or altered. */

import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Progress } from '../../workflows/messages.js';
import { pauseSignal, progressQuery, resumeSignal, retuneUpdate } from '../../workflows/messages.js';
import type { Migration } from '../e2e/apply-spec.js';
import { createRandom } from '../sample/random.js';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
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

const MESSAGES = 1_200;
const KILLS = 5;
/** How long a pause may take: a second or two, and more on a busy machine; not for ever. */
const PROMPT_MS = 25_000;
const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const random = createRandom(seed);

let source: Dovecot;
let target: Dovecot;
let fleet: Fleet;
beforeAll(async () => {
  const users = { anna: 'secret', bert: 'secret', cleo: 'secret' };
  [source, target, fleet] = await Promise.all([
    startDovecot({ users }),
    startDovecot({ users }),
    startFleet(1, { [PASSWORD_VARIABLE]: 'secret', DROVER_SLICE_SECONDS: '1' }),
  ]);
});
afterAll(() => Promise.all([fleet?.stop(), source?.stop(), target?.stop()]));

type Server = 'postgres' | 'temporal';

/** SIGKILL; resolves when the server is back, as the stack brings it back. */
async function killServer(which: Server): Promise<void> {
  const pid = fleet.stack.pids()[which];
  process.kill(pid, 'SIGKILL');
  const failure = fleet.stack.givenUp.then((error) => {
    throw error;
  });
  while (fleet.stack.pids()[which] === pid) await Promise.race([delay(25), failure]);
}

/** Asks again while Temporal is away. */
async function whenItAnswers<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ServiceError) && !/unavailable|not reachable|connect/i.test(String(error))) throw error;
      await delay(100);
    }
  }
}

async function start(person: string): Promise<{ readonly handle: Migration; readonly ended: () => boolean }> {
  fillMaildir(source, person, smallMailbox(seed, MESSAGES));
  // Slow enough to outlast the kills; after them the brake is taken off.
  const limits = { itemsPerSecond: 60 };
  const handle = await whenItAnswers(() =>
    fleet.apply(mailSpec(`move-${person}`, imapSystem(source), imapSystem(target, { limits }), [[person, person]])),
  );
  let over = false;
  void whenItAnswers(() => handle.result()).finally(() => {
    over = true;
  });
  return { handle, ended: () => over };
}

async function expectAll(handle: Migration, person: string): Promise<void> {
  await whenItAnswers(() => handle.executeUpdate(retuneUpdate, { args: [{ itemsPerSecond: 100_000 }] }));
  const result = await whenItAnswers(() => handle.result());
  expect(result).toMatchObject({
    state: 'done',
    totals: { items: MESSAGES, verified: MESSAGES, failures: 0, duplicates: 0 },
  });
  expect(difference(await contentsOf(source, person), await contentsOf(target, person))).toEqual({
    lost: [],
    extra: [],
  });
}

async function until(handle: Migration, reached: (progress: Progress) => boolean): Promise<Progress> {
  for (;;) {
    const progress = await whenItAnswers(() => handle.query(progressQuery));
    if (reached(progress)) return progress;
    await delay(50);
  }
}

async function arrived(): Promise<number> {
  const { rows } = await fleet.ledger.pool.query<{ n: number }>(
    'select count(*) as n from item where target_ref is not null',
  );
  return rows[0]?.n ?? 0;
}

it.each([
  ['postgres', 'anna'],
  ['temporal', 'bert'],
] as const)(`survives ${KILLS} kills of %s (TEST_SEED=${seed})`, async (which, person) => {
  const { handle, ended } = await start(person);
  const { pid } = fleet.workers[0] ?? {};

  for (let n = 0; n < KILLS; n++) {
    // Slices that end well in between keep the waits between tries short.
    await delay(1_500 + random.next() * 2_000);
    expect(ended(), `the run must outlast the kills; ${n} so far`).toBe(false);
    await killServer(which);
  }

  await expectAll(handle, person);
  expect(() => process.kill(pid as number, 0), 'the worker outlives its servers').not.toThrow();
});

it(`survives kills of everything at once, and stays paused over one (TEST_SEED=${seed})`, async () => {
  const killAll = () => Promise.all([fleet.replaceWorker(0), killServer('postgres'), killServer('temporal')]);
  const before = await arrived();
  const { handle, ended } = await start('cleo');
  while ((await arrived()) === before) await delay(50);

  const asked = Date.now();
  await handle.signal(pauseSignal);
  await until(handle, ({ state }) => state === 'paused');
  expect(Date.now() - asked).toBeLessThan(PROMPT_MS);
  await killAll();
  await until(handle, ({ state }) => state === 'paused');
  const paused = await arrived();
  expect(paused).toBeLessThan(before + MESSAGES);
  await handle.signal(resumeSignal);
  while ((await arrived()) === paused) await delay(50);

  for (let n = 0; n < 2; n++) {
    expect(ended(), `the run must outlast the kills; ${n} so far`).toBe(false);
    await killAll();
    await delay(random.next() * 3_000);
  }
  await expectAll(handle, 'cleo');
});
