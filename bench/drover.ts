/** Drover as a user runs it: the embedded stack, a worker process, `migrate apply --wait`, the ledger on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { openLedger } from '../ledger/ledger.js';
import { compiledFile } from '../worker/stack/compiled.js';
import type { Dev } from '../worker/stack/dev.js';
import { startDev } from '../worker/stack/dev.js';

export interface DroverStack {
  readonly dev: Dev;
  /** Mail from one IMAP account to another. */
  apply(name: string, source: Side, target: Side): Promise<DroverTimes>;
  /** Any spec; `name` is the migration's. */
  applySpec(name: string, spec: string): Promise<DroverTimes>;
  /** The most memory that the worker has held since it started. Throws where the kernel does not tell (not Linux). */
  workerPeakMb(): Promise<number>;
  stop(): Promise<void>;
}

export interface Side {
  readonly port: number;
  readonly user: string;
}

export interface DroverTimes {
  /** Of the whole command, verification included. */
  readonly wallMs: number;
  /** From the first survey to the end of the move, by the ledger's clock: what mbsync does. */
  readonly moveMs: number;
  readonly verifyMs: number;
  readonly items: number;
  readonly verified: number;
  readonly historyEvents: number;
}

interface PhaseRow {
  readonly phase: string;
  readonly ms: number;
  readonly items: number;
  readonly verified: number;
  readonly since: Date;
  readonly until: Date;
}

export async function startDrover(dir: string): Promise<DroverStack> {
  process.env.DROVER_BENCH_PASSWORD = 'secret';
  const dev = await startDev({ dir: join(dir, '.drover'), log: () => {}, signal: new AbortController().signal });
  const ledger = openLedger(dev.stack.ledgerUrl);
  const connection = await Connection.connect({ address: dev.stack.temporalAddress });
  const client = new Client({ connection, namespace: dev.stack.namespace });

  const historyEvents = async (name: string): Promise<number> => {
    let events = 0;
    for (const id of [`migrate/${name}`, `migrate/${name}/1`]) {
      events += (await client.workflow.getHandle(id).fetchHistory()).events?.length ?? 0;
    }
    return events;
  };

  return {
    dev,
    apply: (name, source, target) => applySpec(name, specOf(name, source, target)),
    applySpec,
    async workerPeakMb() {
      const file = `/proc/${dev.workerPid()}/status`;
      const kb = /VmHWM:\s+(\d+)/.exec(await readFile(file, 'utf8'))?.[1];
      if (kb === undefined) throw new Error(`${file} tells no peak memory`);
      return Math.round(Number(kb) / 1024);
    },
    async stop() {
      await connection.close();
      await ledger.close();
      await dev.stop();
    },
  };

  async function applySpec(name: string, text: string): Promise<DroverTimes> {
    const spec = join(dir, `${name}.yaml`);
    await writeFile(spec, text);
    const started = performance.now();
    const child = spawn(process.execPath, [compiledFile('cli/main.js'), 'apply', spec, '--wait'], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let words = '';
    child.stdout.on('data', (data: Buffer) => (words += data));
    child.stderr.on('data', (data: Buffer) => (words += data));
    const [code] = (await once(child, 'exit')) as [number | null];
    const wallMs = performance.now() - started;
    if (code !== 0) throw new Error(`migrate apply ended with ${code}: ${words.slice(-3000)}`);
    const { rows } = await ledger.pool.query<PhaseRow>(
      `select detail->>'phase' as phase, sum((detail->>'ms')::int)::float8 as ms, sum((detail->>'items')::int)::int as items,
         sum((detail->>'verified')::int)::int as verified, max(at) as until,
         min(at - make_interval(secs => (detail->>'ms')::float8 / 1000)) as since
       from event where migration = $1 and message = 'slice' and run = (select max(number) from run where migration = $1) group by 1`,
      [name],
    );
    const of = (phase: string) => rows.find((row) => row.phase === phase);
    // Units work side by side: what counts is from the first survey's begin to the last move's end.
    const [survey, move] = [of('survey'), of('move')];
    return {
      wallMs,
      moveMs: survey && move ? move.until.getTime() - survey.since.getTime() : 0,
      verifyMs: of('verify')?.ms ?? 0,
      items: of('move')?.items ?? 0,
      verified: of('verify')?.verified ?? 0,
      historyEvents: await historyEvents(name),
    };
  }
}

function specOf(name: string, source: Side, target: Side): string {
  const system = (side: Side): string =>
    `{ type: imap, host: 127.0.0.1, port: ${side.port}, tls: none, auth: { username: "{account}", password: { env: DROVER_BENCH_PASSWORD } } }`;
  return `version: 1
name: ${name}
sources: { old: ${system(source)} }
targets: { new: ${system(target)} }
selections:
  - { name: mail, kind: mail, from: old, to: new, accounts: [{ from: ${source.user}, to: ${target.user} }] }
`;
}
