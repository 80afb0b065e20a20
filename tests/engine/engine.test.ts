import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const message = (n: number, text = ''): Buffer =>
  Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n} ${text}\r\n`);

describe('a first run', () => {
  it('moves every message once, with flags and dates, and proves it', async () => {
    const world = createWorld(server.ledger);
    for (let n = 1; n <= 450; n++) {
      world.from.put(n % 3 ? ['INBOX'] : ['Projects', 'A/B'], {
        bytes: message(n),
        flags: n % 2 ? ['\\Seen', '$Work'] : [],
        date: '2019-03-01T10:22:03+01:00',
      });
    }

    const closed = (await world.run()) as ClosedRun;

    expect(closed).toMatchObject({
      state: 'done',
      totals: { items: 450, verified: 450, failures: 0, pending: 0, duplicates: 0 },
    });
    expect(world.target.counts.create).toBe(450);
    const inbox = [...world.to.folder(['INBOX']).messages.values()];
    expect(inbox).toHaveLength(300);
    expect(inbox[0]).toMatchObject({ flags: ['$Work', '\\Seen'], date: '2019-03-01T10:22:03+01:00' });
    await world.close();
  });

  it('writes nothing when it is run again', async () => {
    const world = createWorld(server.ledger);
    for (let n = 1; n <= 50; n++) world.from.put(['INBOX'], { bytes: message(n) });
    await world.run();
    world.target.resetCounts();

    const again = (await world.run()) as ClosedRun;

    expect(again.state).toBe('done');
    expect(world.target.counts).toMatchObject({ create: 0, meta: 0, move: 0, remove: 0 });
    expect(again.totals.changed).toBe(0);
    await world.close();
  });
});

describe('proof by size', () => {
  it('reads back what differs in size, and lets the content decide', async () => {
    const world = createWorld(server.ledger, { selection: { verify: 'size' } });
    world.from.put(['INBOX'], { bytes: message(1) });
    world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <2@x>\n\nbare line feeds\n') });
    world.from.put(['INBOX'], { bytes: message(3) });
    // The target stores other line ends, and damages the third message.
    world.target.fault = ({ op, when }) => {
      if (op !== 'create' || when !== 'after') return;
      const stored = world.to.folder(['INBOX']).messages;
      for (const [uid, copy] of stored) {
        const text = copy.bytes.toString().replace(/\r?\n/g, '\r\n').replace('body 3', 'body 33');
        stored.set(uid, { ...copy, bytes: Buffer.from(text) });
      }
    };
    const first = await world.run();
    const { rows } = await server.ledger.pool.query<{ proof: string; outcome: string }>(
      `select proof, outcome from item i join container c on c.id = i.container join unit u on u.pairing = c.pairing
       where u.migration = $1 order by i.key`,
      [world.spec.name],
    );

    expect(first).toMatchObject({ state: 'failed', totals: { verified: 2, failures: 1 } });
    expect(rows.map((row) => `${row.outcome} by ${row.proof}`)).toEqual([
      'verified by size',
      'verified by readback',
      'altered by readback',
    ]);
    await world.close();
  });
});

describe('what is there already', () => {
  it('is adopted by digest, twins count-wise, and what has no source stays', async () => {
    const world = createWorld(server.ledger);
    for (const n of [1, 2, 3, 3]) world.from.put(['INBOX'], { bytes: message(n) });
    for (const n of [2, 3, 99])
      world.to.put(['INBOX'], { bytes: Buffer.concat([Buffer.from('X-TUID: abcdefghijkl\r\n'), message(n)]) });

    const closed = (await world.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, duplicates: 0 } });
    expect(world.target.counts.create).toBe(2);
    expect(world.to.folder(['INBOX']).messages.size).toBe(5);
    await world.close();
  });

  it('is a duplicate when it stands there more often than in the source', async () => {
    const world = createWorld(server.ledger);
    world.from.put(['INBOX'], { bytes: message(1) });
    world.to.put(['INBOX'], { bytes: message(1) });
    world.to.put(['INBOX'], { bytes: message(1) });

    const closed = (await world.run()) as ClosedRun;

    expect(closed.totals).toMatchObject({ items: 1, verified: 1, duplicates: 1 });
    await world.close();
  });
});

describe('later runs', () => {
  it('carry new messages and changed flags, and leave a person’s own flags alone', async () => {
    const world = createWorld(server.ledger);
    const first = world.from.put(['INBOX'], { bytes: message(1), flags: ['\\Flagged'] });
    await world.run();
    const copy = [...world.to.folder(['INBOX']).messages.values()][0];
    const { setFlags } = await import('../../connectors/memory/store.js');
    setFlags(world.to.folder(['INBOX']), copy?.uid as number, ['\\Flagged', '$Mine']);
    setFlags(world.from.folder(['INBOX']), first.uid, ['\\Seen']);
    world.from.put(['INBOX'], { bytes: message(2) });
    world.target.resetCounts();

    const closed = (await world.run()) as ClosedRun;

    expect(closed.state).toBe('done');
    expect(world.target.counts).toMatchObject({ create: 1, meta: 1 });
    expect([...world.to.folder(['INBOX']).messages.values()][0]?.flags).toEqual(['$Mine', '\\Seen']);
    await world.close();
  });

  it('move in the target what moved in the source', async () => {
    const world = createWorld(server.ledger);
    const moved = world.from.put(['INBOX'], { bytes: message(1), flags: ['\\Seen'] });
    world.from.put(['Archive'], { bytes: message(2) });
    await world.run();
    const { removeFrom } = await import('../../connectors/memory/store.js');
    removeFrom(world.from.folder(['INBOX']), moved.uid);
    world.from.put(['Archive'], { bytes: message(1), flags: ['\\Seen'] });
    world.target.resetCounts();

    const closed = (await world.run()) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2 } });
    expect(world.target.counts).toMatchObject({ create: 0, move: 1 });
    expect(world.to.folder(['INBOX']).messages.size).toBe(0);
    expect(world.to.folder(['Archive']).messages.size).toBe(2);
    await world.close();
  });

  it('copy nothing twice when the source or the target renumbers a folder', async () => {
    const world = createWorld(server.ledger);
    for (const n of [1, 2, 2, 3]) world.from.put(['INBOX'], { bytes: message(n) });
    await world.run();
    world.target.resetCounts();
    world.from.renumber(['INBOX']);
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, duplicates: 0 } });
    world.to.renumber(['INBOX']);
    world.from.put(['INBOX'], { bytes: message(4) });
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 5, verified: 5, duplicates: 0 } });

    expect(world.target.counts.create).toBe(1);
    await world.close();
  });

  it('leave deletions alone, mirror them when asked, and stop before too many', async () => {
    const { removeFrom } = await import('../../connectors/memory/store.js');
    const world = createWorld(server.ledger, { selection: { deletions: 'mirror', maxDeletions: 0.2 } });
    const put = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => world.from.put(['INBOX'], { bytes: message(n) }));
    await world.run();
    for (const { uid } of put.slice(0, 2)) removeFrom(world.from.folder(['INBOX']), uid);
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 8 } });
    expect(world.to.folder(['INBOX']).messages.size).toBe(8);
    for (const { uid } of put.slice(2, 6)) removeFrom(world.from.folder(['INBOX']), uid);

    const stopped = await world.run();

    expect(stopped).toMatchObject({ state: 'parked', gate: 'approval' });
    expect(world.to.folder(['INBOX']).messages.size).toBe(8);
    await world.close();
  });

  it('list again what a wider filter covers, though the folder did not change', async () => {
    const world = createWorld(server.ledger, { selection: { include: { since: '2020-01-01' } } });
    world.from.put(['INBOX'], { bytes: message(1), date: '2019-06-01T00:00:00+00:00' });
    world.from.put(['INBOX'], { bytes: message(2), date: '2021-06-01T00:00:00+00:00' });
    expect(await world.run()).toMatchObject({ totals: { items: 1, verified: 1 } });

    expect(await world.run({ selection: { include: { since: '2019-01-01' } } })).toMatchObject({
      state: 'done',
      totals: { items: 2, verified: 2 },
    });
    await world.close();
  });

  it('move the messages of a folder that was renamed in the source', async () => {
    const world = createWorld(server.ledger);
    for (const n of [1, 2, 3]) world.from.put(['Old name'], { bytes: message(n) });
    await world.run();
    world.from.folders.delete(JSON.stringify(['Old name']));
    for (const n of [1, 2, 3]) world.from.put(['New name'], { bytes: message(n) });
    world.target.resetCounts();

    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, duplicates: 0 } });
    expect(world.target.counts).toMatchObject({ create: 0, move: 3 });
    await world.close();
  });

  it('do not lose sight of a folder that was away for a while', async () => {
    const world = createWorld(server.ledger, { selection: { deletions: 'mirror', maxDeletions: 1 } });
    world.from.put(['INBOX'], { bytes: message(1) });
    world.from.put(['Shared'], { bytes: message(2) });
    await world.run();
    const shared = world.from.folders.get(JSON.stringify(['Shared']));
    world.from.folders.delete(JSON.stringify(['Shared']));
    expect(await world.run()).toMatchObject({ totals: { items: 1 } });
    world.from.folders.set(JSON.stringify(['Shared']), shared as never);

    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 2, verified: 2 } });
    expect(world.to.folder(['Shared']).messages.size).toBe(1);
    await world.close();
  });
});
