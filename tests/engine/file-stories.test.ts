/** Names that a target takes for the same, and trees whose entries change what they are. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NameRules } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection } from '../../schemas/spec.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { Odd } from './odd-folder.js';
import { withOddFolder } from './odd-folder.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
let dir: string;
let from: string;
let to: string;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-stories-'));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

type OddTarget = NonNullable<Odd['target']>;

/** It says that it keeps names worse than it does. */
const withNames =
  (names: NameRules): OddTarget =>
  (target) => ({ ...target, names });

/** It does the first write and the first last step of an upload, and the answers are lost. */
function losing(): OddTarget {
  const lost = (): Fault => new Fault('unavailable', 'the answer was lost');
  let small = true;
  let large = true;
  return (target) => ({
    ...target,
    async *write(...args) {
      for await (const answer of target.write(...args)) {
        if (!small) yield answer;
      }
      if (small) {
        small = false;
        throw lost();
      }
    },
    uploads: {
      ...target.uploads,
      async finish(...args) {
        const answer = await target.uploads.finish(...args);
        if (!large) return answer;
        large = false;
        throw lost();
      },
    },
  });
}

function begin(selection: Partial<Selection>, odd?: OddTarget): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', ...selection },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    ...(odd && { connectors: withOddFolder({ target: odd }) }),
  });
}

async function run(selection?: Partial<Selection>): Promise<ClosedRun> {
  const result = await world.run(selection ? { selection } : {});
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function placed(): Promise<Record<string, string>> {
  const { rows } = await server.ledger.pool.query<{ key: string; ref: string }>(
    `select i.key, coalesce(i.target_ref, i.outcome) as ref from item i join container c on c.id = i.container
     join unit u on u.pairing = c.pairing where u.migration = $1`,
    [world.spec.name],
  );
  return Object.fromEntries(rows.map(({ key, ref }) => [key, ref]));
}

describe('a target that takes names for the same', () => {
  const WINDOWS: NameRules = { caseless: true, formless: true, forbidden: ':', nameBytes: 255 };
  const NAMES = ['Docs/a', 'docs/b', 'Docs/B', 'README', 'readme', 'x:y', 'x_y', 'Ä', 'A\u0308'];

  async function fill(): Promise<void> {
    for (const name of NAMES) await put(from, name);
  }

  test('has each under a name of its own, and they stay there', async () => {
    await fill();
    begin({ names: 'rename' }, withNames(WINDOWS));
    expect((await run()).totals).toMatchObject({ failures: 0, items: 11, verified: 11 });
    const found = Object.keys(await tree(to));
    expect(new Set(found.map((path) => path.normalize('NFC').toLowerCase())).size).toBe(found.length);
    expect(Object.values(await tree(to)).sort()).toEqual(Object.values(await tree(from)).sort());
    const before = await placed();
    expect(before).toMatchObject({
      README: 'README',
      readme: 'readme (2)',
      'docs/b': 'docs (2)/b',
      'Docs/a': 'Docs/a',
    });
    // One that comes later and sorts before does not take the first one's name.
    await put(from, 'ReADME');
    await put(from, 'readme', 'edited');
    expect((await run()).totals).toMatchObject({ failures: 0, created: 1, updated: 1 });
    const after = await placed();
    expect(after).toMatchObject(before);
    expect(after.ReADME).toBe('ReADME (3)');
    expect((await run()).totals).toMatchObject({ changed: 0 });
  });

  test('gives no number that another file has for a name', async () => {
    for (const name of [
      'Report.txt',
      'report.txt',
      'report (2).txt',
      'REPORT (3).txt',
      'folder/',
      'Folder/x',
      'folder (2)',
    ])
      await put(from, name.replace(/\/$/, '/y'));
    begin({ names: 'rename' }, withNames(WINDOWS));
    expect((await run()).totals).toMatchObject({ failures: 0, conflicts: 0 });
    expect(await placed()).toMatchObject({ 'report.txt': 'report (4).txt', 'report (2).txt': 'report (2).txt' });
    expect(Object.values(await tree(to)).sort()).toEqual(Object.values(await tree(from)).sort());
  });

  test('refuses or skips the second of each, and what it would hold, where the spec says so', async () => {
    await fill();
    begin({ maxFailures: 1 }, withNames(WINDOWS));
    // docs/, docs/b, readme, x:y, and one of both forms of Ä.
    expect((await run()).totals).toMatchObject({ items: 11, verified: 6, failures: 5 });
    expect((await run({ names: 'skip' })).totals).toMatchObject({ verified: 6, failures: 0, skipped: 5 });
    expect((await run({ names: 'rename' })).totals).toMatchObject({ verified: 11, failures: 0, skipped: 0 });
  });
});

test('a target within its own source is refused, a source within its target is not', async () => {
  await put(from, 'a');
  to = join(from, 'copy');
  begin({});
  await expect(run()).rejects.toMatchObject({ code: 'spec', message: expect.stringMatching(/ lies in old /) });
  await world.close();
  [from, to] = [join(dir, 'outer/from'), join(dir, 'outer')];
  await put(from, 'a');
  begin({});
  expect((await run()).totals).toMatchObject({ verified: 1, failures: 0 });
});

for (const size of [100, 9 * 1024 * 1024]) {
  test(`an edit made while the answer to a write of ${size} bytes was lost is not lost`, async () => {
    await put(from, 'file', randomBytes(size));
    begin({}, losing());
    await expect(run()).rejects.toMatchObject({ code: 'unavailable' });
    expect(Object.keys(await tree(to))).toEqual(['file']);
    await put(from, 'file', randomBytes(size));
    expect((await run()).totals).toMatchObject({ verified: 1, failures: 0, pending: 0 });
    expect(await tree(to)).toEqual(await tree(from));
  });
}

describe('an entry that becomes something else', () => {
  test('a file becomes a folder, and a folder a file', async () => {
    await put(from, 'file');
    await put(from, 'folder/inside');
    begin({ deletions: 'mirror', maxDeletions: 1 });
    await run();
    await rm(join(from, 'file'));
    await put(from, 'file/inside');
    await rm(join(from, 'folder'), { recursive: true });
    await writeFile(join(from, 'folder'), 'a file now');
    // What stands in the way goes at the end of a run: the next one puts what waited for that.
    await run();
    expect((await run()).totals).toMatchObject({ failures: 0, pending: 0 });
    expect(await tree(to)).toEqual(await tree(from));
  });

  test('a folder that somebody else keeps files in stays', async () => {
    await put(from, 'folder/ours');
    begin({ deletions: 'mirror', maxDeletions: 1 });
    await run();
    await put(to, 'folder/theirs');
    await rm(join(from, 'folder'), { recursive: true });
    await run();
    expect(await tree(to)).toEqual({ 'folder/': '', 'folder/theirs': 'folder/theirs' });
  });

  test('a target that lost everything is told by verify, and filled again by nobody silently', async () => {
    await put(from, 'a');
    begin({});
    await run();
    await rm(to, { recursive: true });
    const { totals } = (await world.run({ reason: 'verify' })) as ClosedRun;
    expect(totals).toMatchObject({ verified: 0, failures: 1 });
  });
});
