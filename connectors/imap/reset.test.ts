/** A connection that is ended in the middle of a write: what the kernel still holds of it must not land. */
import { afterEach, expect, it } from 'vitest';
import { all, create, never } from '../../tests/conformance/collect.js';
import type { Dam } from '../../tests/servers/dam.js';
import { startDam } from '../../tests/servers/dam.js';
import type { Dovecot } from '../../tests/servers/dovecot.js';
import { startDovecot } from '../../tests/servers/dovecot.js';
import { openTarget } from '../../tests/servers/imap-account.js';

const MESSAGE = Buffer.from(`Subject: large\r\n\r\n${'0123456789\r\n'.repeat(200_000)}`);
/** In the kernel of the sender. What the receiver's takes, some 200 kB, has left it. */
const HELD_BYTES = 2_000_000;

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.stop();
});

const kinds = [
  ['none', (server: Dovecot) => server.port],
  ['implicit', (server: Dovecot) => server.tlsPort as number],
  ['starttls', (server: Dovecot) => server.port],
] as const;
const endings = ['close', 'abort'] as const;

it.each(kinds.flatMap(([tls, portOf]) => endings.map((ending) => [tls, ending, portOf] as const)))(
  'throws away what was sent and has not arrived (tls: %s, %s)',
  { timeout: 30_000 },
  async (tls, ending, portOf) => {
    const { server, dam } = await dammed(portOf);
    const target = openTarget(dam, 'anna', { tls, ...(server.caFile !== undefined && { ca: server.caFile }) });
    const inbox = await target.ensure({ path: ['INBOX'] }, never);
    // Logged in and with the folder selected: what follows asks for no answer before all is sent.
    await all(target.write(inbox, [create('small', Buffer.from('Subject: small\r\n\r\n'))], never));
    const stop = new AbortController();
    dam.shut();
    const writing = all(target.write(inbox, [create('a', MESSAGE)], stop.signal));
    writing.catch(() => undefined);
    await expect.poll(() => dam.held(), { timeout: 20_000 }).toBeGreaterThan(HELD_BYTES);

    if (ending === 'close') target.close();
    else stop.abort();
    await expect(writing).rejects.toMatchObject({ code: 'unavailable' });

    expect(await dam.open()).toBeLessThan(MESSAGE.length / 2);
  },
);

it('ends in good order when no answer is awaited', async () => {
  const server = await startDovecot();
  running.push(server);
  const target = openTarget(server, 'anna');
  await target.ensure({ path: ['INBOX'] }, never);
  target.close();
  await expect.poll(() => server.log()).toMatch(/imap\(anna\).*Disconnected/);
  expect(await server.log()).not.toMatch(/reset by peer/);
});

/** A Dovecot behind a dam. */
async function dammed(portOf: (server: Dovecot) => number): Promise<{ server: Dovecot; dam: Dam }> {
  const server = await startDovecot({ tls: true });
  running.push(server);
  const dam = await startDam({ host: server.host, port: portOf(server) });
  running.push(dam);
  return { server, dam };
}
