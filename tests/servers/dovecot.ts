/** A real Dovecot for tests: own folder, own ports, ended with its parent. */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DovecotLayout, DovecotOptions } from './dovecot-config.js';
import { dovecotConfig } from './dovecot-config.js';

const BINARIES = ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot', '/opt/homebrew/sbin/dovecot'];
const START_MS = 20_000;

export interface Dovecot {
  readonly host: string;
  readonly port: number;
  readonly tlsPort?: number;
  readonly caFile?: string;
  readonly dir: string;
  /** The user that owns the mail: files put into a mailbox by hand must be chowned to it. */
  readonly uid: number;
  readonly gid: number;
  mailDir(user: string): string;
  /** What Dovecot has logged so far. */
  log(): Promise<string>;
  /** Ends it and removes its folder, mail included. */
  stop(): Promise<void>;
}

/** Another server may take a port between asking for it and using it: then it is tried with others. */
const TRIES = 3;

export async function startDovecot(options: DovecotOptions = {}): Promise<Dovecot> {
  for (let tried = 1; ; tried++) {
    try {
      return await startOnce(options);
    } catch (error) {
      if (tried === TRIES) throw error;
    }
  }
}

async function startOnce(options: DovecotOptions): Promise<Dovecot> {
  const binary = BINARIES.find((path) => existsSync(path));
  if (binary === undefined) {
    throw new Error('dovecot is not installed; on Debian: apt-get install dovecot-imapd openssl');
  }
  const dir = await mkdtemp(join(tmpdir(), 'dovecot-'));
  try {
    const layout = await prepare(dir, options);
    const child = await run(binary, layout);
    return handle(layout, child);
  } catch (cause) {
    await rm(dir, { recursive: true, force: true });
    throw cause;
  }
}

async function prepare(dir: string, options: DovecotOptions): Promise<DovecotLayout> {
  // Dovecot refuses to open mail as root, so mail then belongs to nobody.
  const asRoot = process.getuid?.() === 0;
  const uid = asRoot ? 65534 : (process.getuid?.() ?? 0);
  const gid = asRoot ? 65534 : (process.getgid?.() ?? 0);
  await chmod(dir, 0o755);
  for (const name of ['run', 'state', 'mail']) await mkdir(join(dir, name), { mode: 0o755 });
  await chown(join(dir, 'mail'), uid, gid);
  const users = options.users ?? { anna: 'secret', bert: 'secret' };
  const line = (user: string, password: string) => `${user}:{PLAIN}${password}:${uid}:${gid}::${dir}/mail/${user}::\n`;
  await writeFile(
    join(dir, 'users'),
    Object.entries(users)
      .map(([user, password]) => line(user, password))
      .join(''),
  );
  if (options.masterUser) {
    await writeFile(join(dir, 'masters'), `${options.masterUser.name}:{PLAIN}${options.masterUser.password}\n`);
  }
  if (options.tls) await makeCertificates(dir);
  const port = await freePort();
  const layout: DovecotLayout = {
    dir,
    port,
    uid,
    gid,
    asRoot,
    options,
    ...(options.tls ? { tlsPort: await freePort() } : {}),
  };
  await writeFile(join(dir, 'dovecot.conf'), dovecotConfig(layout));
  return layout;
}

async function run(binary: string, layout: DovecotLayout): Promise<ChildProcess> {
  const args = [binary, '-F', '-c', join(layout.dir, 'dovecot.conf')];
  // A parent that is killed cannot clean up; the kernel does it then (Linux only).
  const tied = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM', ...args] : args;
  const child = spawn(tied[0] as string, tied.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const deadline = Date.now() + START_MS;
  while (!(await answers(layout.port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      const log = await readFile(join(layout.dir, 'dovecot.log'), 'utf8').catch(() => '');
      throw new Error(`dovecot did not start in ${layout.dir}: ${said}${log}`);
    }
  }
  return child;
}

/** Whether the server greets; waits for the greeting, so a refusal is the only quick answer. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const finish = (answer: boolean) => {
      socket.destroy();
      // The master binds its sockets within milliseconds of its start; do not spin meanwhile.
      if (answer) resolve(true);
      else setTimeout(() => resolve(false), 10);
    };
    socket.setTimeout(START_MS, () => finish(false));
    socket.once('data', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

function handle(layout: DovecotLayout, child: ChildProcess): Dovecot {
  const onExit = () => void child.kill('SIGTERM');
  process.once('exit', onExit);
  return {
    host: '127.0.0.1',
    port: layout.port,
    ...(layout.tlsPort === undefined ? {} : { tlsPort: layout.tlsPort, caFile: join(layout.dir, 'ca.pem') }),
    dir: layout.dir,
    uid: layout.uid,
    gid: layout.gid,
    mailDir: (user) => join(layout.dir, 'mail', user, 'Maildir'),
    log: () => readFile(join(layout.dir, 'dovecot.log'), 'utf8'),
    async stop() {
      process.removeListener('exit', onExit);
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await ended;
      }
      // Mail processes outlive their master by moments and may still write.
      await rm(layout.dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given for 127.0.0.1');
  return address.port;
}

/** `ca.pem`, and `server.pem` with `server.key` for localhost and 127.0.0.1. */
export async function makeCertificates(dir: string): Promise<void> {
  const openssl = (args: string) => promisify(execFile)('openssl', args.split(' '), { cwd: dir });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  await openssl(`req -x509 ${key} -keyout ca.key -out ca.pem -subj /CN=drover-test-ca -days 30`);
  await openssl(`req ${key} -keyout server.key -out server.csr -subj /CN=localhost`);
  await writeFile(join(dir, 'san.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await openssl(
    'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile san.ext -out server.pem',
  );
  if (!statSync(join(dir, 'server.pem')).size) throw new Error('openssl made no certificate; is openssl installed?');
}
