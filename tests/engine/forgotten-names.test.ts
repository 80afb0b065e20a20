/** Who is forgotten is named as texts spell them; who is only called alike keeps what is said of them. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { forget } from '../../engine/upkeep/forget.js';
import { writeEvent } from '../../ledger/events.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
afterEach(() => server.clear());

/** Moves the mail of somebody and of another, writes an event of the migration, and forgets somebody. */
async function leftOf(
  account: string,
  other: string,
  events: readonly { readonly message: string; readonly detail?: Record<string, string | number> }[],
): Promise<string[]> {
  const world: World = createWorld(server.ledger, {
    selection: {
      accounts: [
        { from: account, to: account },
        { from: other, to: other },
      ],
    },
  });
  for (const name of [account, other])
    world.source.account(name).put(['INBOX'], { bytes: Buffer.from('Message-ID: <1@x>\r\n\r\nx\r\n') });
  await world.run();
  const name = world.spec.name;
  for (const { message, detail } of events)
    await writeEvent(server.ledger.pool, { migration: name, run: 1 }, 'warn', message, detail);
  const asked = { isRunning: async () => false };
  await forget(world.deps, { name, account, dryRun: false }, asked, new AbortController().signal);
  await world.close();
  const { rows } = await server.ledger.pool.query<{ said: string }>(
    `select message || ' ' || detail as said from event where migration = $1 and level = 'warn' order by id`,
    [name],
  );
  return rows.map(({ said }) => said);
}

it.each(['CORP\\anna', 'anna "a"'])('finds %s in what stands as JSON', async (name) => {
  expect(await leftOf(name, 'bert', [{ message: 'cannot open it', detail: { of: name } }])).toEqual([]);
});

it('finds an address in whatever case a system has it', async () => {
  expect(await leftOf('Anna@Old.Example', 'bert', [{ message: 'cannot open anna@old.example.' }])).toEqual([]);
});

it('takes a longer address for that of another', async () => {
  const others = ['mary-anna@old.example', 'mary.anna@old.example', 'anna@old.example.org'];
  const events = others.map((of) => ({ message: `cannot open ${of}` }));
  expect(await leftOf('anna@old.example', 'bert', events)).toHaveLength(3);
});

it.each(['12', 'items'])('takes no count for the account %s', async (name) => {
  expect(await leftOf(name, 'bert', [{ message: 'some were left', detail: { items: 12 } }])).toHaveLength(1);
});
