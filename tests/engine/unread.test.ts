/** One item or one folder that the source does not give costs itself; its neighbours move, and it is told by name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { connector as memory } from '../../connectors/memory/index.js';
import { manifest } from '../../connectors/memory/manifest.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { RunOptions, World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const message = (n: number | string): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody\r\n`);
const settings = { rereadMs: 1 };

/** As Temporal does: what throws is asked for again, in the same run. */
async function runTried(world: World, options: RunOptions = {}, most = 12): Promise<ClosedRun & { throws: number }> {
  const request = `r${Math.random()}`;
  for (let throws = 0; ; throws++) {
    try {
      return { ...((await world.run({ ...options, request })) as ClosedRun), throws };
    } catch (error) {
      if (throws >= most || !(error instanceof Fault)) throw error;
    }
  }
}

function withSource(change: (source: Source<Mail>) => Partial<Source<Mail>>): Readonly<Record<string, Registration>> {
  const connector: typeof memory = {
    ...memory,
    source(options, access) {
      const plain = memory.source(options, access) as Source<Mail>;
      return { ...plain, ...change(plain) };
    },
  };
  return { ...connectors, memory: { manifest, load: async () => connector } } as never;
}

const inTarget = ({ to }: World, path: string): number => to.folders.get(JSON.stringify([path]))?.messages.size ?? 0;

describe('a message that the source does not give', () => {
  it('is tried again, then quarantined with the words of the source, and moves once it is given', async () => {
    let broken = true;
    let asked = 0;
    const world = createWorld(server.ledger, {
      settings,
      connectors: withSource((plain) => ({
        async *read(container, refs, signal) {
          for await (const answer of plain.read(container, refs, signal)) {
            if (!('key' in answer) || answer.key !== '0000000003' || !broken) yield answer;
            else {
              asked++;
              yield { refused: answer.key, reason: 'the server says 500', again: true };
            }
          }
        },
      })),
    });
    for (let n = 1; n <= 5; n++) world.from.put(['INBOX'], { bytes: message(n) });

    const troubles = new Set<string>();
    const walk = world.slices();
    let step = await walk.next();
    for (; !step.done; step = await walk.next())
      if ('troubles' in step.value) for (const { reason } of step.value.troubles ?? []) troubles.add(reason);
    const first = step.value as ClosedRun;
    const report = await reportOf(world, server.ledger);
    const tries = asked;
    broken = false;
    const second = (await world.run()) as ClosedRun;

    expect(first).toMatchObject({
      state: 'failed',
      totals: { items: 5, verified: 4, failures: 1, pending: 0, changed: 4 },
    });
    expect(tries).toBe(3);
    expect([...troubles]).toEqual([expect.stringContaining('the server says 500')]);
    expect(report.verdict).toMatchObject({ complete: false, items: 5, verified: 4 });
    expect(report.rows.find(({ outcome }) => outcome === 'quarantined')?.reason).toContain('the server says 500');
    expect(second).toMatchObject({ state: 'done', totals: { items: 5, verified: 5, failures: 0 } });
    await world.close();
  });

  it.each([
    ['unavailable', 'quarantined'],
    ['refused', 'refused'],
    ['internal', 'quarantined'],
  ] as const)('costs itself where the whole read ends with "%s"', async (code, outcome) => {
    const world = createWorld(server.ledger, { settings });
    for (let n = 1; n <= 30; n++) world.from.put(['INBOX'], { bytes: message(n) });
    for (let n = 1; n <= 3; n++) world.from.put(['Sent'], { bytes: message(`s${n}`) });
    world.source.fault = ({ op, path, item }) => {
      if (op === 'read' && path[0] === 'INBOX' && item === '0000000011') throw new Fault(code, 'the connection died');
    };

    const closed = await runTried(world);
    const report = await reportOf(world, server.ledger);

    expect(closed).toMatchObject({ state: 'failed', totals: { items: 33, verified: 32, failures: 1, pending: 0 } });
    expect(report.rows.filter((row) => row.outcome === outcome).map(({ key }) => key)).toEqual(['0000000011']);
    world.source.fault = undefined;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 33, verified: 33, duplicates: 0 } });
    await world.close();
  });

  it('is not blamed where the source is away', async () => {
    const world = createWorld(server.ledger, { settings });
    for (let n = 1; n <= 5; n++) world.from.put(['INBOX'], { bytes: message(n) });
    let away = 6;
    world.source.fault = ({ op }) => {
      if (op === 'read' && away-- > 0) throw new Fault('unavailable', 'the server is restarted');
      if (op === 'containers' && away > 0 && away < 5) {
        away--;
        throw new Fault('unavailable', 'the server is restarted');
      }
    };
    expect(await runTried(world)).toMatchObject({ state: 'done', totals: { items: 5, verified: 5 } });
    await world.close();
  });
});

describe('a folder that the source does not show', () => {
  it('costs itself, and nothing of it is taken for gone', async () => {
    const selection = { deletions: 'mirror', maxDeletions: 1 } as const;
    const world = createWorld(server.ledger, { settings, selection });
    for (const folder of ['INBOX', 'Locked', 'Sent'])
      for (let n = 1; n <= 3; n++) world.from.put([folder], { bytes: message(`${folder}${n}`) });
    await world.run();
    for (const folder of ['INBOX', 'Locked', 'Sent']) world.from.put([folder], { bytes: message(`${folder}new`) });
    world.source.fault = ({ op, path }) => {
      if ((op === 'list' || op === 'changes') && path[0] === 'Locked') throw new Fault('refused', 'permission denied');
    };

    const closed = (await world.run()) as ClosedRun;
    const report = await reportOf(world, server.ledger);
    world.source.fault = undefined;
    const mended = (await world.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'failed', totals: { verified: 11, failures: 1, removed: 0, pending: 0 } });
    expect(report.verdict).toMatchObject({ complete: false });
    expect(report.rows.filter(({ outcome }) => outcome === 'refused')).toMatchObject([
      { folder: 'Locked', reason: 'permission denied' },
    ]);
    expect(inTarget(world, 'Locked')).toBe(4);
    expect(mended).toMatchObject({ state: 'done', totals: { items: 12, verified: 12, failures: 0, removed: 0 } });
    await world.close();
  });

  it('moves what it shows before it says that this is not all, and what it leaves out stays', async () => {
    let short = false;
    const selection = { deletions: 'mirror', maxDeletions: 1 } as const;
    const world = createWorld(server.ledger, {
      settings,
      selection,
      connectors: withSource((plain) => ({
        async *list(container, after, signal) {
          for await (const page of plain.list(container, after, signal))
            yield short ? { entries: page.entries.filter(({ key }) => key !== '0000000002') } : page;
          if (short) throw new Fault('refused', 'it holds 4 messages by its own count, and names 3');
        },
        async *changes() {
          yield* [];
          throw new Fault('cursor-lost', 'no');
        },
      })),
    });
    for (let n = 1; n <= 3; n++) world.from.put(['INBOX'], { bytes: message(n) });
    await world.run();
    world.from.put(['INBOX'], { bytes: message(4) });
    short = true;

    const closed = (await world.run()) as ClosedRun;
    short = false;
    const mended = (await world.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'failed', totals: { verified: 4, failures: 1, removed: 0, pending: 0 } });
    expect(inTarget(world, 'INBOX')).toBe(4);
    expect(mended).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, removed: 0 } });
    await world.close();
  });

  it('is tried three times where the reason may pass, behind its neighbours', async () => {
    const world = createWorld(server.ledger, { settings });
    for (const folder of ['A', 'B', 'C']) world.from.put([folder], { bytes: message(folder) });
    world.source.fault = ({ op, path }) => {
      if (op === 'list' && path[0] === 'A') throw new Fault('unavailable', 'the connection died');
    };

    const closed = await runTried(world);

    expect(closed).toMatchObject({ state: 'failed', throws: 2, totals: { verified: 2, failures: 1, pending: 0 } });
    await world.close();
  });
});

describe('a folder that the target refuses', () => {
  it('costs itself and what belongs into it', async () => {
    const world = createWorld(server.ledger, { settings });
    for (const folder of ['A', 'Refused', 'Empty', 'C'])
      for (let n = 1; n <= 3 && folder !== 'Empty'; n++) world.from.put([folder], { bytes: message(`${folder}${n}`) });
    world.from.folder(['Empty']);
    world.target.fault = ({ op, path }) => {
      if (op === 'ensure' && (path[0] === 'Refused' || path[0] === 'Empty'))
        throw new Fault('refused', 'name too long');
    };

    const closed = (await world.run()) as ClosedRun;
    const report = await reportOf(world, server.ledger);
    world.target.fault = undefined;

    expect(closed).toMatchObject({ state: 'failed', totals: { verified: 6, failures: 5, pending: 0 } });
    expect(report.rows.filter(({ reason }) => reason === 'name too long')).toHaveLength(5);
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 9, verified: 9, failures: 0 } });
    await world.close();
  });

  it('is not made where the spec fills only what is there', async () => {
    const world = createWorld(server.ledger, { settings, selection: { containers: 'existing' } });
    for (const folder of ['There', 'Missing']) world.from.put([folder], { bytes: message(folder) });
    world.to.folder(['There']);

    const closed = (await world.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 2, pending: 0 } });
    expect([...world.to.folders.keys()]).toEqual([JSON.stringify(['There'])]);
    await world.close();
  });
});
