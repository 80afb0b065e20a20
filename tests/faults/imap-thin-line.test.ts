/** A worker is killed while its messages are on a thin line: what the network still carries lands after its death. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Dovecot } from '../servers/dovecot.js';
import { startDovecot } from '../servers/dovecot.js';
import type { ThinLine } from '../servers/thin-line.js';
import { startThinLine } from '../servers/thin-line.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';
import type { Stored } from './mailboxes.js';
import { contentsOf, difference, fillMaildir, imapSystem, mailSpec, PASSWORD_VARIABLE } from './mailboxes.js';

const BYTES_PER_SECOND = 100_000;
/** 29 kB each: 1.7 MB together fit what the line holds, and take it 17 seconds. */
const MESSAGES = 60;
/** By then a sender that knows no bounds has handed over all of them. */
const CARRIED_BYTES = 200_000;

let source: Dovecot;
let target: Dovecot;
let line: ThinLine;
let fleet: Fleet;
beforeAll(async () => {
  const users = { anna: 'secret', bert: 'secret', cleo: 'secret' };
  [source, target, fleet] = await Promise.all([
    startDovecot({ users }),
    startDovecot({ users }),
    startFleet(1, { [PASSWORD_VARIABLE]: 'secret' }),
  ]);
});
afterAll(() => Promise.all([fleet?.stop(), source?.stop(), target?.stop()]));

it.each([
  ['anna', 0],
  ['bert', 40],
] as const)(
  'doubles nothing when it is killed on a line of 100 kB/s (%s, round trip of %d ms)',
  async (person, roundTripMs) => {
    fillMaildir(source, person, messages());
    line = await startThinLine({ to: target, bytesPerSecond: BYTES_PER_SECOND, delayMs: roundTripMs / 2 });
    const spec = mailSpec(`thin-${person}`, imapSystem(source), imapSystem(line), [[person, person]]);
    const handle = await fleet.apply(spec);
    await aLotIsOnTheLine();

    await fleet.replaceWorker(0);
    const result = await handle.result();
    await line.drained();

    expect(difference(await contentsOf(source, person), await contentsOf(target, person))).toEqual({
      lost: [],
      extra: [],
    });
    expect(result).toMatchObject({
      state: 'done',
      failed: 0,
      totals: { items: MESSAGES, verified: MESSAGES, failures: 0, duplicates: 0 },
    });
    await line.stop();
  },
);

/** Above the window: 2.4 MB take the line 24 seconds, of which the dead process sends all but what has arrived. */
it('waits for a message that is larger than what may be under way', async () => {
  fillMaildir(source, 'cleo', [message(0, 34_000)]);
  line = await startThinLine({ to: target, bytesPerSecond: BYTES_PER_SECOND });
  const spec = mailSpec('thin-cleo', imapSystem(source), imapSystem(line), [['cleo', 'cleo']]);
  const handle = await fleet.apply(spec);
  await aLotIsOnTheLine();

  await fleet.replaceWorker(0);
  const result = await handle.result();
  await line.drained();

  const [before, after] = [await contentsOf(source, 'cleo'), await contentsOf(target, 'cleo')];
  expect(difference(before, after)).toEqual({ lost: [], extra: [] });
  expect(result).toMatchObject({ state: 'done', failed: 0, totals: { items: 1, verified: 1, duplicates: 0 } });
  await line.stop();
});

function* messages(): Generator<Stored> {
  for (let n = 0; n < MESSAGES; n++) yield message(n, 400);
}

function message(n: number, lines: number): Stored {
  const text = `${'x'.repeat(70)}\r\n`.repeat(lines);
  const bytes = Buffer.from(`Message-ID: <${n}@old.example>\r\nSubject: ${n}\r\n\r\n${text}`);
  return { path: ['INBOX'], bytes, flags: [], date: '2019-03-01T10:22:03+01:00' };
}

/** Resolves when the worker waits for an answer, with bytes on the line. */
async function aLotIsOnTheLine(): Promise<void> {
  for (;;) {
    const { rowCount } = await fleet.ledger.pool.query('select from batch');
    if (rowCount && line.carried > CARRIED_BYTES && line.underWay > 0) return;
  }
}
