/**
 * A real DAViCal for tests, on PHP's own server, with a database of its own. Debian's packages are `davical`, `php-cli`,
 * `php-pgsql`, `php-xml` and `php-curl`; its tables are made by its own script, which needs `psql` and Perl.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { DavServer } from './dav-server.js';
import { freePort, startListening } from './dav-server.js';
import { startPostgres } from './postgres.js';

const HTDOCS = '/usr/share/davical/htdocs';
const USERS = { anna: 'Anna Beispiel', bela: 'Bela Muster' } as const;
const asRoot = process.getuid?.() === 0;

export interface Davical extends DavServer {
  /** A further person with the password `secret`: tests that start from nothing take one each. */
  addUser(name: string): Promise<void>;
}

/** The users are anna and bela, each with the password `secret`; they have no collections yet. */
export async function startDavical(): Promise<Davical> {
  const folder = await mkdtemp(join(tmpdir(), 'davical-'));
  await chmod(folder, 0o755);
  const postgres = await startPostgres();
  const env = await createDatabase(postgres.url);
  const ini = join(folder, 'php.ini');
  const router = join(folder, 'router.php');
  await writeFile(ini, PHP_INI);
  await writeFile(router, ROUTER);
  const port = await freePort();
  const php = ['php', '-c', ini, '-S', `127.0.0.1:${port}`, '-t', HTDOCS, router];
  const as = asRoot ? ['setpriv', '--reuid=www-data', '--regid=www-data', '--clear-groups', ...php] : php;
  const running = await startListening(as[0] as string, as.slice(1), port, {
    cwd: HTDOCS,
    group: true,
    env: { ...env, PHP_CLI_SERVER_WORKERS: '4' },
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    folder,
    log: running.log,
    addUser: (name) => addUsers(postgres.url, { [name]: name }),
    async stop() {
      await running.end();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Makes the tables and the users. Returns how its database is reached: its configuration names only the database. */
async function createDatabase(url: string): Promise<Record<string, string>> {
  const { hostname, port, username, password } = new URL(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const role of ['davical_dba', 'davical_app'])
    await client.query(`create role ${role} login password '${password}'`);
  await client.end();
  const env = { PGHOST: hostname, PGPORT: port, PGPASSWORD: password };
  const creating = {
    env: { ...process.env, ...env, PGUSER: username, PGDATABASE: 'template1' },
    cwd: '/usr/share/davical/dba',
  };
  await promisify(execFile)('sh', ['./create-database.sh', 'davical', 'admin'], creating);
  await addUsers(url, USERS);
  return env;
}

async function addUsers(url: string, users: Readonly<Record<string, string>>): Promise<void> {
  const own = new pg.Client({ connectionString: Object.assign(new URL(url), { pathname: '/davical' }).href });
  await own.connect();
  for (const [user, name] of Object.entries(users)) {
    await own.query(
      `insert into usr (active, email_ok, updated, username, password, fullname, email)
       values (true, current_date, current_date, $1, '**secret', $2, $1 || '@example.test')`,
      [user, name],
    );
    await own.query(
      `insert into principal (type_id, user_no, displayname, default_privileges)
       select 1, user_no, fullname, privilege_to_bits(array['read-free-busy', 'schedule-send', 'schedule-deliver'])
       from usr where username = $1`,
      [user],
    );
  }
  await own.end();
}

const PHP_INI = `include_path=".:/usr/share/awl/inc:/usr/share/davical/inc"
display_errors=Off
log_errors=On
error_log=/dev/stderr
memory_limit=512M
post_max_size=64M
enable_post_data_reading=Off
default_charset=UTF-8
error_reporting=E_ALL & ~E_DEPRECATED & ~E_NOTICE & ~E_WARNING
`;

/** What an installation has in its web server. */
const ROUTER = `<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (preg_match('#^/\\.well-known/(caldav|carddav)#', $path)) {
  header('Location: /caldav.php/', true, 301);
  return true;
}
if (preg_match('#^/caldav\\.php(/.*)?$#', $path, $found)) {
  $_SERVER['SCRIPT_NAME'] = '/caldav.php';
  $_SERVER['SCRIPT_FILENAME'] = '${HTDOCS}/caldav.php';
  $_SERVER['PATH_INFO'] = rawurldecode($found[1] ?? '/');
  $_SERVER['PHP_SELF'] = '/caldav.php' . $_SERVER['PATH_INFO'];
  chdir('${HTDOCS}');
  require '${HTDOCS}/caldav.php';
  return true;
}
http_response_code(404);
return true;
`;
