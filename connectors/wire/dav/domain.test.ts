/** An account named by a domain alone: where DNS may send the login. */
import dns from 'node:dns/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ScriptedDns } from '../../../tests/servers/scripted-dns.js';
import { startScriptedDns } from '../../../tests/servers/scripted-dns.js';
import { connector } from '../../caldav/index.js';
import type { Access } from '../../contract.js';

const before = dns.getServers();
let records: ScriptedDns;

beforeAll(async () => {
  records = await startScriptedDns({
    // Nobody listens there: what is asked is told by what cannot be reached.
    '_caldavs._tcp.inside.test': { host: 'DAV.inside.test', port: 1 },
    '_caldavs._tcp.outside.test': { host: 'dav.attacker.test', port: 1 },
    '_caldavs._tcp.alike.test': { host: 'dav.notalike.test', port: 1 },
  });
  dns.setServers([records.address]);
});
afterAll(async () => {
  dns.setServers(before);
  await records.stop();
});

async function placeOf(url: string): Promise<unknown> {
  let asked = false;
  const secret = async (): Promise<string> => {
    asked = true;
    return 'secret';
  };
  const access: Access = { account: 'anna', kind: 'calendar', secret };
  const session = connector.source({ url, auth: { username: 'anna', password: { env: 'X' } } }, access);
  try {
    return await session.place(new AbortController().signal);
  } catch (error) {
    return { asked, error };
  } finally {
    session.close();
  }
}

it('goes to a server within the domain', async () => {
  expect(await placeOf('inside.test')).toMatchObject({
    asked: true,
    error: { code: 'unavailable', message: expect.stringContaining('dav.inside.test:1') },
  });
});

it.each(['outside.test', 'alike.test'])('does not log in where DNS leads out of %s', async (domain) => {
  expect(await placeOf(domain)).toMatchObject({
    asked: false,
    error: { code: 'spec', message: expect.stringContaining('outside of that domain') },
  });
});
