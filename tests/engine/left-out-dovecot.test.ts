/** Folders are left out by what a real server says they are for, and by their names where it says nothing. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import { fillMaildir } from '../faults/mailboxes.js';
import { startDovecot } from '../servers/dovecot.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let ledger: LedgerServer;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.stop());

const message = (path: readonly string[], n: number) => ({
  path,
  bytes: Buffer.from(`Message-ID: <${path.join('.')}-${n}@x>\r\n\r\nbody\r\n`),
  flags: [],
  date: '2020-02-03T04:05:06Z',
});
/** Names that no list of names has. */
const TOLD = `namespace inbox {
  mailbox Weggeworfen {
    special_use = \\Trash
  }
  mailbox Ungebeten {
    special_use = \\Junk
  }
}`;

it.each([
  ['the server tells', 'Weggeworfen', 'Ungebeten', TOLD],
  ['only the names tell', 'Papierkorb', 'Spam', ''],
])('%s', async (_, trash, junk, extra) => {
  const server = await startDovecot({ specialUse: false, ...(extra && { extra }) });
  fillMaildir(server, 'anna', [
    message(['INBOX'], 1),
    message([trash], 1),
    message([trash, 'Alt'], 1),
    message([junk], 1),
    message([junk], 2),
  ]);
  const { host, port } = server;
  const auth = { username: '{account}', password: { env: 'PASSWORD' } };
  const world = createWorld(ledger.ledger, {
    selection: { exclude: { roles: ['junk', 'trash'] } },
    systems: {
      old: { type: 'imap', options: { host, port, tls: 'none', auth } },
      new: { type: 'memory', options: { name: `left-out-${trash}` } },
    },
  });
  try {
    const input = { spec: world.spec, specHash: specHash(world.spec), dryRun: false };
    const planned = await plan(world.deps, input, new AbortController().signal, () => {});
    const closed = (await world.run()) as ClosedRun;

    expect(planned.leftOut?.map(({ rule, containers, items }) => [rule, containers, items])).toEqual([
      ['exclude.roles trash', 2, 2],
      ['exclude.roles junk', 1, 2],
    ]);
    expect(closed).toMatchObject({
      state: 'done',
      totals: { items: 1, verified: 1 },
      leftOut: { kinds: { mail: 3 }, items: 4 },
    });
  } finally {
    await world.close();
    await server.stop();
  }
});
