/** What a listing left half done says nothing: neither of what it left out, nor after the run that began it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { connector as memory } from '../../connectors/memory/index.js';
import { manifest } from '../../connectors/memory/manifest.js';
import { setBytes, setFlags } from '../../connectors/memory/store.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;
const settings = { rereadMs: 1 };
const message = (n: number | string): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody\r\n`);
const card = (uid: string, ...lines: string[]): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, ...lines, 'END:VCARD', ''].join('\r\n'));

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

it('takes nothing for gone that a run which was ended in the middle of a short listing left out', async () => {
  let end: 'whole' | 'cut' | 'short' = 'whole';
  const world = createWorld(server.ledger, {
    settings,
    selection: MIRROR,
    connectors: withSource((plain) => ({
      async *list(container, after, signal) {
        for await (const { entries } of plain.list(container, after, signal)) {
          if (end === 'whole') yield { entries };
          else for (const entry of entries) if (entry.key !== '0000000002') yield { entries: [entry] };
        }
        if (end === 'cut') throw new Error('the worker was killed');
        if (end === 'short') throw new Fault('refused', 'it holds 4 messages by its own count, and names 3');
      },
      async *changes() {
        yield* [];
        throw new Fault('cursor-lost', 'no');
      },
    })),
  });
  for (let n = 1; n <= 5; n++) world.from.put(['INBOX'], { bytes: message(n) });
  await world.run();
  world.from.put(['INBOX'], { bytes: message(6) });
  end = 'cut';
  await expect(world.run()).rejects.toThrow('killed');
  end = 'short';
  const short = (await world.run()) as ClosedRun;

  expect(short).toMatchObject({ state: 'failed', totals: { removed: 0, failures: 1, verified: 6 } });
  expect(world.to.folder(['INBOX']).messages.size).toBe(6);
  end = 'whole';
  expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 6, verified: 6, removed: 0 } });
  await world.close();
});

it('asks for no item where a book that is not shown stands for itself', async () => {
  const asked: string[] = [];
  const world = createWorld(server.ledger, {
    settings,
    selection: { kind: 'contacts' },
    connectors: withSource((plain) => ({
      read(container, refs, signal) {
        asked.push(...refs.map(({ key }) => key));
        return plain.read(container, refs, signal);
      },
    })),
  });
  world.from.put(['Book'], { bytes: card('anna') });
  world.source.fault = ({ op }) => {
    if (op === 'list') throw new Fault('refused', 'permission denied');
  };
  await world.run();
  const again = (await world.run({ selection: { match: ['uid', 'email'] } })) as ClosedRun;

  expect(asked).toEqual([]);
  expect(again).toMatchObject({ state: 'failed', totals: { failures: 1, pending: 0 } });
  await world.close();
});

it('sets flags once a folder that the target refused is had again', async () => {
  const world = createWorld(server.ledger, { settings });
  for (let n = 1; n <= 2; n++) world.from.put(['Work'], { bytes: message(n) });
  await world.run();
  setFlags(world.from.folder(['Work']), 1, ['\\Seen']);
  world.target.fault = ({ op }) => {
    if (op === 'ensure') throw new Fault('refused', 'no rights');
  };
  const refused = await world.run();
  world.target.fault = undefined;
  const mended = await world.run();

  expect(refused).toMatchObject({ state: 'failed', totals: { failures: 1 } });
  expect(mended).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0 } });
  expect(world.to.folder(['Work']).messages.get(1)?.flags).toEqual(['\\Seen']);
  await world.close();
});

it('asks again for an edit that the source named and did not describe', async () => {
  let described = true;
  const world = createWorld(server.ledger, {
    settings,
    selection: { kind: 'contacts' },
    connectors: withSource((plain) => ({
      async *changes(container, since, signal) {
        for await (const { entries } of plain.changes?.(container, since, signal) ?? [])
          yield {
            entries: entries.map((change) =>
              described || change.change === 'gone' ? change : { ...change, item: { ...change.item, version: '' } },
            ),
          };
      },
    })),
  });
  world.from.put(['Team'], { bytes: card('anna') });
  await world.run();
  setBytes(world.from.folder(['Team']), 1, card('anna', 'NOTE:new'));
  described = false;
  await world.run();
  described = true;

  expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 1 } });
  expect(String([...world.to.folder(['Team']).messages.values()][0]?.bytes)).toContain('NOTE:new');
  await world.close();
});

it('quarantines an item of which the source says nothing when it is read', async () => {
  const world = createWorld(server.ledger, {
    settings,
    connectors: withSource((plain) => ({
      async *read(container, refs, signal) {
        for await (const answer of plain.read(container, refs, signal))
          if (!('key' in answer) || answer.key !== '0000000002') yield answer;
      },
    })),
  });
  for (let n = 1; n <= 3; n++) world.from.put(['INBOX'], { bytes: message(n) });

  expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 2, failures: 1, pending: 0 } });
  await world.close();
});
