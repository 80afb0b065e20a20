/** A real Xandikos for tests. It has one principal and asks for no login. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DavServer } from './dav-server.js';
import { freePort, startListening } from './dav-server.js';

export async function startXandikos(user = 'anna'): Promise<DavServer> {
  const folder = await mkdtemp(join(tmpdir(), 'xandikos-'));
  const port = await freePort();
  const principal = ['--current-user-principal', `/${user}/`, '--defaults'];
  const listen = ['-l', '127.0.0.1', '-p', String(port)];
  const running = await startListening('xandikos', ['-d', folder, ...listen, ...principal], port);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    folder,
    log: running.log,
    async stop() {
      await running.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
