/** An edit lands, its answer is lost, and the source takes the edit back: the target must follow. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Target, Uploads } from '../../connectors/contract.js';
import { setBytes, setFlags } from '../../connectors/memory/store.js';
import { contents, ended, expectQuiet, loseAnswer, withTarget } from './doubt.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
}, 60_000);
afterAll(() => server.stop(), 60_000);

function card(organisation: string): Buffer {
  const lines = ['BEGIN:VCARD', 'VERSION:3.0', 'UID:anna', 'FN:Anna', `ORG:${organisation}`, 'END:VCARD', ''];
  return Buffer.from(lines.join('\r\n'));
}

function event(summary: string): Buffer {
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Old//EN', 'BEGIN:VEVENT', 'UID:jour-fixe'];
  const when = ['DTSTAMP:20260101T000000Z', 'DTSTART:20260105T090000Z', 'DTEND:20260105T100000Z'];
  return Buffer.from([...lines, ...when, `SUMMARY:${summary}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'));
}

describe.each([
  { kind: 'contacts', body: card },
  { kind: 'calendar', body: event },
] as const)('$kind', ({ kind, body }) => {
  const FOLDER = ['Folder'];

  it.each([
    { title: 'taken back', last: 'Old' },
    { title: 'edited once more', last: 'Third' },
    { title: 'left as it is', last: 'New' },
  ])('whose edit is $title are in the end as the source has them', async ({ last }) => {
    const world = createWorld(server.ledger, { selection: { kind } });
    const { uid } = world.from.put(FOLDER, { bytes: body('Old') });
    expect(await ended(world)).toMatchObject({ state: 'done' });
    setBytes(world.from.folder(FOLDER), uid, body('New'));
    await loseAnswer(world, world.target, 'update');
    if (last !== 'New') setBytes(world.from.folder(FOLDER), uid, body(last));

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, failures: 0, conflicts: 0 } });
    expect(contents(world.to, FOLDER)).toEqual(contents(world.from, FOLDER));
    await expectQuiet(world);
    await world.close();
  });

  it('that somebody edits in the target after the answer was lost are a conflict, not overwritten', async () => {
    const world = createWorld(server.ledger, { selection: { kind } });
    const { uid } = world.from.put(FOLDER, { bytes: body('Old') });
    await ended(world);
    setBytes(world.from.folder(FOLDER), uid, body('New'));
    await loseAnswer(world, world.target, 'update');
    const copy = [...world.to.folder(FOLDER).messages.values()][0];
    setBytes(world.to.folder(FOLDER), copy?.uid as number, body('A person'));

    const closed = await ended(world);

    expect(closed.totals.conflicts).toBe(1);
    expect(contents(world.to, FOLDER)[0]).toContain('A person');
    await world.close();
  });
});

describe('flags of a message', () => {
  it('that are taken back in the source are taken back in the target', async () => {
    const world = createWorld(server.ledger);
    const { uid } = world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <1@x>\r\n\r\nbody\r\n') });
    await ended(world);
    setFlags(world.from.folder(['INBOX']), uid, ['\\Seen']);
    await loseAnswer(world, world.target, 'meta');
    setFlags(world.from.folder(['INBOX']), uid, []);

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { verified: 1, failures: 0 } });

    expect([...world.to.folder(['INBOX']).messages.values()][0]?.flags).toEqual([]);
    await expectQuiet(world);
    await world.close();
  });

  it('that a person set in the target stay, whatever was in doubt', async () => {
    const world = createWorld(server.ledger);
    const { uid } = world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <1@x>\r\n\r\nbody\r\n') });
    await ended(world);
    const copy = [...world.to.folder(['INBOX']).messages.values()][0];
    setFlags(world.to.folder(['INBOX']), copy?.uid as number, ['$Mine']);
    setFlags(world.from.folder(['INBOX']), uid, ['\\Seen']);
    await loseAnswer(world, world.target, 'meta');
    setFlags(world.from.folder(['INBOX']), uid, []);

    expect(await ended(world)).toMatchObject({ state: 'done' });

    expect([...world.to.folder(['INBOX']).messages.values()][0]?.flags).toEqual(['$Mine']);
    await world.close();
  });
});

/** While `lost.next` is set: the write, or the last step of an upload, is done, and its answer is lost. */
function losing(lost: { next: boolean }): (target: Target<unknown>) => Target<unknown> {
  return (target) => ({
    ...target,
    async *write(...args) {
      for await (const answer of target.write(...args)) {
        if (lost.next) throw new Error('kill -9');
        yield answer;
      }
    },
    uploads: {
      ...(target.uploads as Uploads),
      async finish(...args) {
        const answer = await (target.uploads as Uploads).finish(...args);
        if (lost.next) throw new Error('kill -9');
        return answer;
      },
    },
  });
}

const SIZES = [
  { size: 1_000, large: 'a small file' },
  { size: 9 * 1024 * 1024, large: 'a large file' },
];
it.each(SIZES)(
  '$large that gets its old content and date back in the source gets them in the target',
  async ({ size }) => {
    const dir = await mkdtemp(join(tmpdir(), 'drover-doubt-'));
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    const lost = { next: false };
    const world = createWorld(server.ledger, {
      selection: { kind: 'files' },
      systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
      connectors: withTarget('folder', losing(lost)),
    });
    const [first, second] = [randomBytes(size), randomBytes(size)];
    await put(from, 'file', first);
    const { atime, mtime } = await stat(join(from, 'file'));
    expect(await ended(world)).toMatchObject({ state: 'done' });
    await put(from, 'file', second);
    lost.next = true;
    await expect(world.run()).rejects.toThrow('kill -9');
    lost.next = false;
    expect((await tree(to)).file === second.toString('latin1')).toBe(true);
    await put(from, 'file', first);
    await utimes(join(from, 'file'), atime, mtime);

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { verified: 1, failures: 0, conflicts: 0 } });
    expect((await tree(to)).file === first.toString('latin1')).toBe(true);
    expect((await ended(world)).totals).toMatchObject({ changed: 0, failures: 0 });
    await world.close();
    await rm(dir, { recursive: true, force: true });
  },
  60_000,
);
