/** The accounts of the DAV benchmark: one that is full, and empty ones on the same kind of server. */
import { startRadicale } from '../tests/servers/radicale.js';
import type { Tag } from '../tests/servers/radicale-files.js';
import { fillRadicale } from '../tests/servers/radicale-files.js';
import { startXandikos } from '../tests/servers/xandikos.js';
import type { Account } from './dav-account.js';
import type { Shelf } from './dav-shelves.js';
import { putLoop } from './put-loop.js';

export interface BenchServer {
  readonly name: string;
  /** Holds everything. */
  readonly source: Account;
  /** Runs `use` with an account that holds nothing. */
  withEmpty<T>(use: (account: Account) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export const benchServers = ['radicale', 'xandikos'] as const;
export type BenchServerName = (typeof benchServers)[number];

/** `empty`: how many empty accounts will be asked for. */
export function startBenchServer(
  name: BenchServerName,
  shelves: readonly Shelf[],
  empty: number,
): Promise<BenchServer> {
  return name === 'radicale' ? onRadicale(shelves, empty) : onXandikos(shelves);
}

/** One server for all accounts, under gunicorn with threads: its own server fails vdirsyncer. Filled on its disk. */
async function onRadicale(shelves: readonly Shelf[], empty: number): Promise<BenchServer> {
  const free = Array.from({ length: empty }, (_, n) => `empty${n}`);
  // It closes what was idle for two seconds, and vdirsyncer fails when it stood still that long on a busy machine.
  process.env.GUNICORN_CMD_ARGS ??= '--keep-alive 75';
  const server = await startRadicale({ users: ['src', ...free], gunicorn: true });
  const account = (user: string): Account => ({ url: server.url, user, home: () => `/${user}/` });
  for (const { name, tag, items } of shelves) fillRadicale(server, 'src', name, tag, items);
  return {
    name: 'Radicale under gunicorn',
    source: account('src'),
    async withEmpty(use) {
      const user = free.shift();
      if (user === undefined) throw new Error(`no empty account is left of ${empty}: ask for more at the start`);
      return use(account(user));
    },
    stop: server.stop,
  };
}

/** It has one account: a process and a folder for each. Every item is a commit, so the source is filled by requests. */
async function onXandikos(shelves: readonly Shelf[]): Promise<BenchServer> {
  const start = async () => {
    const server = await startXandikos('src');
    const home = (tag: Tag): string => (tag === 'VCALENDAR' ? '/src/calendars/' : '/src/contacts/');
    return { account: { url: server.url, user: 'src', home }, stop: server.stop };
  };
  const source = await start();
  try {
    await putLoop(source.account, shelves, 2);
  } catch (error) {
    await source.stop();
    throw error;
  }
  return {
    name: 'Xandikos',
    source: source.account,
    async withEmpty(use) {
      const empty = await start();
      try {
        return await use(empty.account);
      } finally {
        await empty.stop();
      }
    },
    stop: source.stop,
  };
}
