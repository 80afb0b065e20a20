/** Moments in the life of a fleet that sweeps aim at, read from the ledger and from the processes. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Migration } from '../e2e/apply-spec.js';
import type { Fleet } from './fleet.js';

/** Resolves when the ledger holds an intent that a living worker is about to write, or has just written. */
export async function aWriteUnderWay({ ledger }: Fleet): Promise<void> {
  for (;;) {
    const { rowCount } = await ledger.pool.query(
      `select from batch b join container c on c.id = b.container join pairing p on p.id = c.pairing
       join lease l on l.place = p.target and l.fence = b.fence and l.until > clock_timestamp()
       union all
       select from upload u join container c on c.id = u.container join pairing p on p.id = c.pairing
       join lease l on l.place = p.target and l.until > clock_timestamp() limit 1`,
    );
    if (rowCount) return;
    await delay(5);
  }
}

/** How often writes whose answers were lost had to be looked for so far. */
export async function doubts({ ledger }: Fleet): Promise<number> {
  const { rows } = await ledger.pool.query<{ n: number }>(
    `select count(*)::int as n from event where message = 'located writes whose answers were lost'`,
  );
  return rows[0]?.n ?? 0;
}

export interface LiveLease {
  readonly place: number;
  readonly fence: number;
}

/** The leases that somebody holds now. */
export async function liveLeases({ ledger }: Fleet): Promise<LiveLease[]> {
  const { rows } = await ledger.pool.query<LiveLease>(
    'select place, fence from lease where until > clock_timestamp() order by place',
  );
  return rows;
}

/** Resolves when others have taken all of these leases, but for those whose units have ended. */
export async function takenOver({ ledger }: Fleet, leases: readonly LiveLease[]): Promise<void> {
  for (;;) {
    const { rowCount } = await ledger.pool.query(
      `select from lease l join unnest($1::bigint[], $2::bigint[]) as t (place, fence) on t.place = l.place and t.fence = l.fence
       where exists (select from unit u join pairing p on p.id = u.pairing where p.target = l.place and u.state <> 'done')`,
      [leases.map(({ place }) => place), leases.map(({ fence }) => fence)],
    );
    if (rowCount === 0) return;
    await delay(50);
  }
}

/** The worker, by its place in the fleet, that has a connection to the port; undefined when none has. */
export async function workerAt({ workers }: Fleet, port: number): Promise<number | undefined> {
  const sockets = await socketsTo(port);
  for (const [n, { pid }] of workers.entries()) {
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (sockets.has(link)) return n;
    }
  }
  return undefined;
}

/** Sockets that are connected to a port of 127.0.0.1, as `/proc` links to them. */
async function socketsTo(port: number): Promise<Set<string>> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1);
  const open = lines.map((line) => line.trim().split(/\s+/)).filter(([, , remote]) => remote?.endsWith(`:${wanted}`));
  return new Set(open.map((columns) => `socket:[${columns[9]}]`));
}

export interface Watched {
  readonly result: ReturnType<Migration['result']>;
  /** Throws when the run has ended: what is done to it then proves nothing. */
  outlasts(what: string): void;
}

export function watch(handle: Migration): Watched {
  let ended = false;
  const result = handle.result().finally(() => {
    ended = true;
  });
  // Who waits for it sees its failure; nobody else may be ended by that.
  result.catch(() => {});
  return {
    result,
    outlasts(what) {
      if (ended) throw new Error(`the run must outlast ${what}`);
    },
  };
}

/** Kills a server of the stack with SIGKILL; resolves when it is back, as the stack brings it back. */
export async function killServer({ stack }: Fleet, which: 'postgres' | 'temporal'): Promise<void> {
  const pid = stack.pids()[which];
  process.kill(pid, 'SIGKILL');
  const failure = stack.givenUp.then((error) => {
    throw error;
  });
  while (stack.pids()[which] === pid) await Promise.race([delay(25), failure]);
}
