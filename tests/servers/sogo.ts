/**
 * A real SOGo for tests, behind an Apache, as every installation has it, with a database and a place for its mails of its
 * own. All settings are arguments: they win over its file. Debian's packages are `sogo`, `apache2-bin`.
 */
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { DavServer, Running } from './dav-server.js';
import { freePort, startListening } from './dav-server.js';
import { startPostgres } from './postgres.js';
import { startSmtpSink } from './smtp-sink.js';
import { userIds } from './user-ids.js';

export interface Sogo extends DavServer {
  /** sogod itself, without the Apache before it: it closes connections as it likes. */
  readonly direct: string;
  /** What it has sent to people. */
  readonly mails: readonly string[];
  /** A further person with the password `secret`: tests that start from nothing take one each. */
  addUser(name: string): Promise<void>;
}

const USERS = { anna: 'Anna Beispiel', bela: 'Bela Muster' } as const;
const asRoot = process.getuid?.() === 0;

/** The users are anna and bela, each with the password `secret`, at example.test, where all know each other. */
export async function startSogo(): Promise<Sogo> {
  const folder = await mkdtemp(join(tmpdir(), 'sogo-'));
  await mkdir(join(folder, 'spool'));
  await chmod(folder, 0o755);
  // It refuses to run as root.
  if (asRoot) {
    const { uid, gid } = await userIds('sogo');
    for (const path of [folder, join(folder, 'spool')]) await chown(path, uid, gid);
  }
  const postgres = await startPostgres();
  const database = await createDatabase(postgres.url);
  const smtp = await startSmtpSink();
  const port = await freePort();
  const sogod = await startListening(...sogodOn(port, { folder, database, smtp: smtp.port }), port, {
    cwd: folder,
    group: true,
    env: { HOME: folder, TZ: 'UTC', LANG: 'C.UTF-8' },
  });
  const apache = await startApacheBefore(folder, port);
  return {
    url: `http://127.0.0.1:${apache.port}`,
    direct: `http://127.0.0.1:${port}`,
    port: apache.port,
    folder,
    mails: smtp.mails,
    addUser: (name) => run(database, userRow(name, name)),
    log: sogod.log,
    async stop() {
      await apache.running.end();
      await sogod.end();
      await smtp.stop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function run(at: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: at });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

function userRow(user: string, name: string): string {
  return `insert into sogo_users values ('${user}', '${user}', 'secret', '${name}', '${user}@example.test')`;
}

/** Tables of its own it makes itself. Returns its address. */
async function createDatabase(url: string): Promise<string> {
  await run(url, `create role sogo login password 'sogo'`, 'create database sogo owner sogo');
  const { host } = new URL(url);
  const own = `postgresql://sogo:sogo@${host}/sogo`;
  await run(
    own,
    'create table sogo_users (c_uid varchar(128) primary key, c_name varchar(128), c_password varchar(255), c_cn varchar(255), mail varchar(255))',
    ...Object.entries(USERS).map(([user, name]) => userRow(user, name)),
  );
  return own;
}

interface Around {
  readonly folder: string;
  readonly database: string;
  readonly smtp: number;
}

function sogodOn(port: number, { folder, database, smtp }: Around): [string, string[]] {
  const directory = `({type=sql;id=directory;viewURL="${database}/sogo_users";userPasswordAlgorithm=plain;canAuthenticate=YES;isAddressBook=YES;displayName="Company directory";MailFieldNames=(mail);listRequiresDot=NO;})`;
  const settings: Readonly<Record<string, string>> = {
    WONoDetach: 'YES',
    WOUseWatchDog: 'YES',
    WOWorkersCount: '3',
    WOPort: `127.0.0.1:${port}`,
    WOPidFile: join(folder, 'sogod.pid'),
    WOLogFile: '-',
    SxVMemLimit: '0',
    SOGoProfileURL: `${database}/sogo_user_profile`,
    OCSFolderInfoURL: `${database}/sogo_folder_info`,
    OCSSessionsFolderURL: `${database}/sogo_sessions_folder`,
    OCSEMailAlarmsFolderURL: `${database}/sogo_alarms_folder`,
    SOGoUserSources: directory,
    SOGoMailDomain: 'example.test',
    SOGoTimeZone: 'Europe/Berlin',
    SOGoAppointmentSendEMailNotifications: 'YES',
    SOGoMailingMechanism: 'smtp',
    SOGoSMTPServer: `smtp://127.0.0.1:${smtp}`,
    SOGoMailSpoolPath: join(folder, 'spool'),
  };
  const args = ['/usr/sbin/sogod', ...Object.entries(settings).flatMap(([name, value]) => [`-${name}`, value])];
  if (!asRoot) return [args[0] as string, args.slice(1)];
  return ['setpriv', ['--reuid=sogo', '--regid=sogo', '--clear-groups', ...args]];
}

const MODULES = '/usr/lib/apache2/modules';
const LOADED = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'headers', 'alias'];

async function startApacheBefore(folder: string, to: number): Promise<{ running: Running; port: number }> {
  const port = await freePort();
  const run = join(folder, 'apache');
  await mkdir(run);
  const config = join(run, 'httpd.conf');
  await writeFile(
    config,
    `ServerRoot ${run}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${run}/pid
DefaultRuntimeDir ${run}
ErrorLog ${run}/error.log
Mutex file:${run} default
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
${asRoot ? 'User www-data\nGroup www-data' : ''}
Redirect 301 /.well-known/caldav /SOGo/dav/
Redirect 301 /.well-known/carddav /SOGo/dav/
ProxyRequests Off
ProxyPass /SOGo http://127.0.0.1:${to}/SOGo retry=0 disablereuse=on nocanon
<Proxy http://127.0.0.1:${to}/SOGo>
RequestHeader set "x-webobjects-server-port" "${port}"
RequestHeader set "x-webobjects-server-name" "127.0.0.1"
RequestHeader set "x-webobjects-server-url" "http://127.0.0.1:${port}"
RequestHeader unset "x-webobjects-remote-user"
RequestHeader set "x-webobjects-server-protocol" "HTTP/1.0"
</Proxy>
`,
  );
  return { running: await startListening('/usr/sbin/apache2', ['-f', config, '-X'], port), port };
}
