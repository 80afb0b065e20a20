/** Listings that tell no sizes and no flags: both come with the content, and so does what the filters ask. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Source } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { connector as memory } from '../../connectors/memory/index.js';
import { manifest } from '../../connectors/memory/manifest.js';
import type { Habits } from '../../connectors/memory/source.js';
import { setFlags } from '../../connectors/memory/store.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import { plan } from '../../engine/plan/plan.js';
import { specHash } from '../../schemas/hash.js';
import type { Selection } from '../../schemas/spec.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

function untoldWorld(selection: Partial<Selection> = {}, habits: Habits = { keysOnly: true }): World {
  return createWorld(server.ledger, { selection, habits, settings: { rereadMs: 1 } });
}

const planned = ({ spec, deps }: World) =>
  plan(deps, { spec, specHash: specHash(spec), dryRun: false }, new AbortController().signal, () => {});

const message = (n: number, body = 'body'): Buffer =>
  Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\n${body}\r\n`);
const date = (year: number): string => `${year}-03-01T10:22:03+00:00`;

describe('mail whose listing tells keys alone', () => {
  it('arrives with its flags and dates, and counts with its size', async () => {
    const world = untoldWorld();
    for (let n = 1; n <= 5; n++) world.from.put(['INBOX'], { bytes: message(n), flags: ['\\Seen'], date: date(2019) });
    const run = await world.run();
    const bytes = [...world.from.folder(['INBOX']).messages.values()].reduce((sum, m) => sum + m.bytes.length, 0);
    expect(run).toMatchObject({ state: 'done', totals: { items: 5, verified: 5, bytes } });
    const copies = [...world.to.folder(['INBOX']).messages.values()];
    expect(copies.map((copy) => [copy.flags, copy.date])).toEqual(Array(5).fill([['\\Seen'], date(2019)]));
    const { rows } = await reportOf(world, server.ledger);
    expect(rows.map((row) => Number(row.bytes))).toEqual(copies.map((copy) => copy.bytes.length));
    world.source.resetCounts();
    await world.run();
    expect([world.source.counts.read, world.target.counts.create]).toEqual([0, 5]);
    await world.close();
  });

  it('has its flags set anew when they changed', async () => {
    const world = untoldWorld();
    for (let n = 1; n <= 3; n++) world.from.put(['INBOX'], { bytes: message(n), flags: ['\\Seen'] });
    await world.run();
    setFlags(world.from.folder(['INBOX']), 2, ['\\Flagged']);
    setFlags(world.to.folder(['INBOX']), 2, ['\\Seen', 'theirs']);
    world.source.resetCounts();
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 3 } });
    expect(world.to.folder(['INBOX']).messages.get(2)?.flags).toEqual(['\\Flagged', 'theirs']);
    expect(world.source.counts.read).toBe(1);
    await world.close();
  });

  it('is left out once it was read, where its size or its date say so', async () => {
    const world = untoldWorld({ include: { smaller: 100 }, exclude: { before: '2018-01-01' } });
    world.from.put(['INBOX'], { bytes: message(1), date: date(2019) });
    world.from.put(['INBOX'], { bytes: message(2, 'x'.repeat(200)), date: date(2019) });
    world.from.put(['INBOX'], { bytes: message(3), date: date(2017) });
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 1, pending: 0 } });
    expect(world.to.folder(['INBOX']).messages.size).toBe(1);
    const { totals } = await reportOf(world, server.ledger);
    expect(totals).toMatchObject({ items: 1, excluded: 2 });
    expect((await planned(world)).containers).toMatchObject([{ create: 0, unchanged: 1, excluded: 2 }]);
    // Listed anew, it is known what they are like.
    world.from.folder(['INBOX']).forgotten = ++world.from.folder(['INBOX']).modseq;
    world.source.resetCounts();
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 1, pending: 0 } });
    expect([world.source.counts.list, world.source.counts.read]).toEqual([1, 0]);
    expect((await reportOf(world, server.ledger)).totals).toMatchObject({ items: 1, excluded: 2 });
    await world.close();
  });
});

describe('items that each reading renders anew', () => {
  it.each(['mail', 'contacts'] as const)('%s are proven by the rendering that was written', async (kind) => {
    const world = untoldWorld({ kind }, { renders: true });
    const card = (uid: string): Buffer =>
      Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, 'END:VCARD', ''].join('\r\n'));
    for (let n = 1; n <= 3; n++) world.from.put(['Box'], { bytes: kind === 'mail' ? message(n) : card(`c${n}`) });
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, failures: 0 } });
    const { rows } = await reportOf(world, server.ledger);
    expect(rows.map((row) => row.proof)).toEqual(Array(3).fill('rendering-readback'));
    world.target.resetCounts();
    expect(await world.run({ reason: 'verify' })).toMatchObject({
      state: 'done',
      totals: { verified: 3, failures: 0 },
    });
    expect([world.target.counts.create, world.target.counts.update]).toEqual([0, 0]);
    await world.close();
  });

  it('are made beside a copy that happens to say what one of their readings says', async () => {
    const world = createWorld(server.ledger, {
      settings: { rereadMs: 1 },
      connectors: withUnstable(),
    });
    world.from.put(['INBOX'], { bytes: message(1) });
    world.to.put(['INBOX'], { bytes: message(1) });
    await world.run();
    expect([world.to.folder(['INBOX']).messages.size, world.target.counts.create]).toEqual([2, 1]);
    await world.close();
  });
});

/** A source that says of everything that readings of it differ. */
function withUnstable(): Readonly<Record<string, Registration>> {
  const connector: typeof memory = {
    ...memory,
    source(options, access) {
      const plain = memory.source(options, access) as Source<Mail>;
      const list: Source<Mail>['list'] = async function* (...args) {
        for await (const { entries } of plain.list(...args))
          yield { entries: entries.map((item) => ({ ...item, unstable: true as const })) };
      };
      return { ...plain, list };
    },
  };
  return { ...connectors, memory: { manifest, load: async () => connector } } as never;
}
