/** A real Radicale for tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DavServer } from './dav-server.js';
import { freePort, startListening } from './dav-server.js';

export interface RadicaleOptions {
  /** Login names; each has the password `secret`. Default: `anna` and `bert`. */
  readonly users?: readonly string[];
  /** Under gunicorn with threads, for many requests at once; else its own server. */
  readonly gunicorn?: boolean;
}

export async function startRadicale(options: RadicaleOptions = {}): Promise<DavServer> {
  const dir = await mkdtemp(join(tmpdir(), 'radicale-'));
  const folder = join(dir, 'storage');
  await mkdir(folder);
  const port = await freePort();
  const users = options.users ?? ['anna', 'bert'];
  await writeFile(join(dir, 'users'), users.map((user) => `${user}:secret\n`).join(''));
  const config = join(dir, 'config');
  await writeFile(
    config,
    `[server]
hosts = 127.0.0.1:${port}
max_connections = 64
timeout = 120
[auth]
type = htpasswd
htpasswd_filename = ${join(dir, 'users')}
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = ${folder}
[logging]
level = warning
`,
  );
  const running = options.gunicorn
    ? await startListening(
        'gunicorn',
        [
          '--bind',
          `127.0.0.1:${port}`,
          '--threads',
          '8',
          '--timeout',
          '120',
          '--env',
          `RADICALE_CONFIG=${config}`,
          'radicale',
        ],
        port,
      )
    : await startListening('radicale', ['--config', config], port);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    folder,
    log: running.log,
    async stop() {
      await running.end();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
