/** A real Apache with mod_dav for tests. */
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DavServer } from './dav-server.js';
import { freePort, startListening } from './dav-server.js';

export interface ApacheOptions {
  /** Login names; each has the password `secret`, and a folder of its own below `/`. Default: `anna` and `bert`. */
  readonly users?: readonly string[];
  /** Where its folder is made, e.g. on a disk in memory. */
  readonly below?: string;
  /** What `.htaccess` files in the folders of these users may say (AllowOverride). Default: they are not read. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Further lines of its configuration. */
  readonly config?: string;
}

const MODULES = '/usr/lib/apache2/modules';
const LOADED = 'mpm_event authn_core authn_file authz_core authz_user auth_basic dav dav_fs setenvif headers';

/** What Debian gives its web server; whoever starts Apache as root must name another user. */
const WWW_DATA = 33;
const asRoot = process.getuid?.() === 0;

/** Storage of each user is `folder/<user>`, served at `/<user>/`. */
export async function startApache(options: ApacheOptions = {}): Promise<DavServer> {
  const dir = await mkdtemp(join(options.below ?? tmpdir(), 'apache-'));
  await chmod(dir, 0o755);
  const folder = join(dir, 'storage');
  const users = options.users ?? ['anna', 'bert'];
  await mkdir(folder);
  for (const user of users) await mkdir(join(folder, user));
  for (const name of ['locks', 'run']) await mkdir(join(dir, name));
  await writeFile(join(dir, 'users'), users.map((user) => `${user}:${SECRET}\n`).join(''));
  if (asRoot)
    for (const path of [dir, folder, ...users.map((user) => join(folder, user)), join(dir, 'locks'), join(dir, 'run')])
      await give(path);
  const port = await freePort();
  const config = join(dir, 'httpd.conf');
  await writeFile(
    config,
    `ServerRoot ${dir}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${dir}/run/pid
DefaultRuntimeDir ${dir}/run
ErrorLog ${dir}/error.log
LogLevel warn
${LOADED.split(' ')
  .map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  .join('\n')}
${asRoot ? 'User www-data\nGroup www-data' : ''}
StartServers 1
ServerLimit 1
ThreadsPerChild 32
MaxRequestWorkers 32
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LimitRequestBody 0
LimitXMLRequestBody 0
AcceptPathInfo Off
AllowEncodedSlashes NoDecode
DocumentRoot ${folder}
DavLockDB ${dir}/locks/db
<Directory ${folder}>
  Dav On
  Options None
  AllowOverride None
  AuthType Basic
  AuthName drover
  AuthBasicProvider file
  AuthUserFile ${dir}/users
  Require valid-user
</Directory>
${Object.entries(options.overrides ?? {})
  .map(([user, may]) => `<Directory ${join(folder, user)}>\n  AllowOverride ${may}\n</Directory>`)
  .join('\n')}
${options.config ?? ''}
`,
  );
  const running = await startListening('/usr/sbin/apache2', ['-f', config, '-X'], port);
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

/** `secret`, as htpasswd -s writes it: cheap to check for each request. */
const SECRET = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=';

/** Gives what another program has put into the storage to the server's user. */
export async function give(path: string): Promise<void> {
  if (asRoot) await chown(path, WWW_DATA, WWW_DATA);
}

export async function giveAll(path: string): Promise<void> {
  if (!asRoot) return;
  await give(path);
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    await give(join(entry.parentPath, entry.name));
  }
}
