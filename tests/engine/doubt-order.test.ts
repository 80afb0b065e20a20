/** Meetings of two accounts: the attendee's copy waits for the organiser's, and never for ever. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setBytes } from '../../connectors/memory/store.js';
import { contents, ended, expectQuiet } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
}, 60_000);
afterAll(() => server.stop(), 60_000);

const TEAM = ['Team'];
const [ANNA, BERT] = ['anna@old.example', 'bert@old.example'];

function meeting(summary: string): Buffer {
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Old//EN', 'BEGIN:VEVENT', 'UID:meeting@old.example'];
  const when = ['DTSTAMP:20260101T000000Z', 'DTSTART:20990105T090000Z', 'DTEND:20990105T100000Z'];
  const people = [`ORGANIZER:mailto:${ANNA}`, `ATTENDEE:mailto:${ANNA}`, `ATTENDEE:mailto:${BERT}`];
  return Buffer.from(
    [...lines, ...when, `SUMMARY:${summary}`, ...people, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'),
  );
}

/** The attendee's account is moved first, so that it has something to wait for. */
function invitation(): World {
  const world = createWorld(server.ledger, {
    selection: {
      kind: 'calendar',
      accounts: [
        { from: BERT, to: BERT },
        { from: ANNA, to: ANNA },
      ],
    },
  });
  for (const account of [ANNA, BERT]) world.source.account(account).put(TEAM, { bytes: meeting('Planning') });
  return world;
}

describe('a meeting of two accounts', () => {
  it('arrives in the organiser’s first', async () => {
    const world = invitation();
    const order: string[] = [];
    world.target.fault = ({ op, when, account }) => {
      if (op === 'create' && when === 'after') order.push(account);
    };

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2 } });
    expect(order).toEqual([ANNA, BERT]);
    await world.close();
  });

  it.each([
    { who: 'the attendee’s', edited: [BERT] },
    { who: 'the organiser’s', edited: [ANNA] },
    { who: 'both', edited: [BERT, ANNA] },
  ])(
    'is edited in the target where $who copy was edited',
    async ({ edited }) => {
      const world = invitation();
      await ended(world);
      for (const account of edited) {
        const folder = world.source.account(account).folder(TEAM);
        setBytes(folder, [...folder.messages.keys()][0] as number, meeting('Planning, moved'));
      }

      const closed = await ended(world);

      expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0, pending: 0 } });
      for (const account of [ANNA, BERT])
        expect(contents(world.target.account(account), TEAM)).toEqual(contents(world.source.account(account), TEAM));
      await expectQuiet(world);
      await world.close();
    },
    30_000,
  );
});
