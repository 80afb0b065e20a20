/** Disks that take names for the same, and folders on them that become links while they are read or written. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Upload, Write, WriteAnswer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { FileBody, FileTarget } from '../../connectors/kinds/files.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection } from '../../schemas/spec.js';
import { put, tree } from '../engine/file-tree.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { Odd } from '../engine/odd-folder.js';
import { withOddFolder } from '../engine/odd-folder.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import { contentsOf } from './file-world.js';

let server: LedgerServer;
let world: World;
let dir: string;
let from: string;
let to: string;
let outside: string;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-disks-'));
  [from, to, outside] = [join(dir, 'from'), join(dir, 'to'), join(dir, 'outside')];
  for (const folder of [from, to, outside]) await mkdir(folder);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

function begin(selection: Partial<Selection>, odd: Odd): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', ...selection },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    connectors: withOddFolder(odd),
  });
}

/** Slices are tried again after what passes by itself, as Temporal would do it. */
async function run(selection: Partial<Selection> = {}): Promise<ClosedRun> {
  for (let tries = 0; ; tries++) {
    try {
      const result = await world.run({ selection });
      if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
      return result;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'unavailable' || tries === 5) throw error;
    }
  }
}

const small = (path: string): string => path.toLowerCase();

/** A disk that keeps all names in small letters, and finds them under any: whatever meets there is one file. */
function caseless(target: FileTarget): FileTarget {
  const uploads = target.uploads;
  const smallWrite = (write: Write<FileBody>): Write<FileBody> => {
    switch (write.op) {
      case 'create':
        return { ...write, body: { ...write.body, path: small(write.body.path) } };
      case 'update':
        return { ...write, ref: small(write.ref), body: { ...write.body, path: small(write.body.path) } };
      case 'move':
        return { ...write, ref: small(write.ref), ...(write.path !== undefined && { path: small(write.path) }) };
      default:
        return { ...write, ref: small(write.ref) };
    }
  };
  const placeOf = (write: Write<FileBody>): string =>
    write.op === 'create' ? write.body.path : write.op === 'move' ? (write.path ?? write.ref) : write.ref;
  const named = (answer: WriteAnswer, path: string): WriteAnswer =>
    'ref' in answer ? { ...answer, ref: path } : answer;
  const smallUpload = (upload: Upload): Upload => ({ ...upload, path: small(upload.path) });
  return {
    ...target,
    names: { ...target.names, caseless: true },
    async *write(container, writes, signal) {
      const places = new Map(writes.map((write) => [write.token, placeOf(write)]));
      for await (const answer of target.write(container, writes.map(smallWrite), signal)) {
        const token = 'refused' in answer ? answer.refused : 'conflicted' in answer ? answer.conflicted : answer.token;
        yield named(answer, places.get(token) as string);
      }
    },
    async *locate(container, intents, ...rest) {
      const places = new Map(intents.map(({ token, path }) => [token, path]));
      const asked = intents.map((intent) => ({
        ...intent,
        ...(intent.path !== undefined && { path: small(intent.path) }),
      }));
      for await (const located of target.locate(container, asked, ...rest))
        yield located.found === 'landed' ? { ...located, ref: places.get(located.token) as string } : located;
    },
    async *readBack(container, refs, signal) {
      for (const ref of refs)
        for await (const copy of target.readBack(container, [small(ref)], signal)) yield { ...copy, ref };
    },
    async *sizes(container, refs, signal) {
      for (const ref of refs)
        for await (const sized of target.sizes?.(container, [small(ref)], signal) ?? []) yield { ...sized, ref };
    },
    uploads: {
      ...uploads,
      begin: (container, upload, signal) => uploads.begin(container, smallUpload(upload), signal),
      acknowledged: (container, upload, signal) => uploads.acknowledged(container, smallUpload(upload), signal),
      send: (container, upload, ...rest) => uploads.send(container, smallUpload(upload), ...rest),
      finish: async (container, upload, ...rest) =>
        named(await uploads.finish(container, smallUpload(upload), ...rest), upload.path),
      abort: (container, upload, signal) => uploads.abort(container, smallUpload(upload), signal),
    },
  };
}

const LARGE = 3 * 1024 * 1024;
const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;

describe('on a disk that takes Names and names for the same', () => {
  const NAMES = ['Docs/a', 'docs/a', 'docs/b', 'README', 'readme', 'Readme', 'x/ONE', 'x/one'];

  async function fill(): Promise<void> {
    for (const name of NAMES) await put(from, name);
    await put(from, 'BIG', randomBytes(LARGE));
    await put(from, 'big', randomBytes(LARGE));
  }
  const sorted = async (root: string): Promise<string[]> => Object.values(await contentsOf(root)).sort();

  it('each has a name of its own, edits find it, and a further run changes nothing', async () => {
    await fill();
    begin({ names: 'rename' }, { target: caseless });
    expect((await run()).totals).toMatchObject({ items: 13, verified: 13, failures: 0, conflicts: 0 });
    expect(await sorted(to)).toEqual(await sorted(from));
    const before = await tree(to);
    expect((await run()).totals).toMatchObject({ changed: 0, failures: 0 });
    expect(await tree(to)).toEqual(before);
    for (const name of NAMES) await put(from, name, `edited ${name}`);
    await put(from, 'big', randomBytes(LARGE + 1));
    expect((await run()).totals).toMatchObject({ updated: 9, failures: 0, conflicts: 0 });
    expect(await sorted(to)).toEqual(await sorted(from));
    expect(Object.keys(await tree(to)).sort()).toEqual(Object.keys(before).sort());
  });

  it('the one that comes later does not take the name of the first, and keeps its own when that goes', async () => {
    await put(from, 'readme', 'first');
    begin({ names: 'rename', ...MIRROR }, { target: caseless });
    await run();
    await put(from, 'README', 'second');
    await run();
    expect(await tree(to)).toEqual({ readme: 'first', 'readme (2)': 'second' });
    await rm(join(from, 'readme'));
    await run();
    expect((await run()).totals).toMatchObject({ changed: 0, failures: 0 });
    expect(await tree(to)).toEqual({ 'readme (2)': 'second' });
  });

  for (const [policy, said] of [
    ['skip', { failures: 0, skipped: 7 }],
    ['fail', { failures: 7, skipped: 0 }],
  ] as const) {
    it(`with ${policy} the first of each is there, unharmed, also after a further run`, async () => {
      await fill();
      begin({ names: policy, maxFailures: 1 }, { target: caseless });
      // Not docs/ with its two files, two of the three called readme, x/one and big.
      expect((await run()).totals).toMatchObject({ items: 13, verified: 6, conflicts: 0, pending: 0, ...said });
      const first = await contentsOf(to);
      const wanted = Object.values(await contentsOf(from));
      expect(Object.keys(first)).toHaveLength(6);
      for (const content of Object.values(first)) expect(wanted).toContain(content);
      expect((await run()).totals).toMatchObject({ changed: 0, verified: 6, ...said });
      expect(await contentsOf(to)).toEqual(first);
    });
  }

  it('a file and a folder whose names only differ in case change in the source: nothing is lost', async () => {
    await put(from, 'report.txt');
    await put(from, 'folder/inside');
    begin({ names: 'rename', ...MIRROR }, { target: caseless });
    await run();
    await rename(join(from, 'report.txt'), join(from, 'Report.txt'));
    await rename(join(from, 'folder'), join(from, 'Folder'));
    for (let n = 0; n < 3; n++) await run();
    expect((await run()).totals).toMatchObject({ changed: 0, failures: 0, conflicts: 0, pending: 0 });
    const files = Object.entries(await tree(to)).filter(([path]) => !path.endsWith('/'));
    expect(files.map(([, content]) => content).sort()).toEqual(['folder/inside', 'report.txt']);
  });

  it('what a person has put there under such a name stays', async () => {
    await put(to, 'notes', 'by a person');
    await put(from, 'Notes');
    begin({ names: 'rename' }, { target: caseless });
    expect((await run()).totals).toMatchObject({ conflicts: 1, verified: 0, pending: 0 });
    expect(await tree(to)).toEqual({ notes: 'by a person' });
  });
});

describe('a folder that becomes a link out of the tree', () => {
  /** The folder is put away, and a link takes its place. */
  async function lead(folder: string): Promise<void> {
    if (!existsSync(folder) || (await lstat(folder)).isSymbolicLink()) return;
    await rename(folder, `${folder}-away-${randomBytes(4).toString('hex')}`);
    await symlink(outside, folder);
  }

  const WHEN = ['before', 'between'] as const;
  for (const when of WHEN) {
    it(`in the target, ${when} writes: nothing is written, changed or removed outside`, async () => {
      await put(outside, 'file', 'not yours');
      await put(outside, 'gone', 'not yours');
      for (const name of ['sub/file', 'sub/gone', 'sub/deep/file', 'other']) await put(from, name);
      await put(from, 'sub/large', randomBytes(LARGE));
      const sub = join(to, 'sub');
      let racing = when === 'before';
      const race = async (): Promise<void> => {
        if (racing) await lead(sub);
      };
      const leads = (target: FileTarget): FileTarget => {
        const uploads = target.uploads;
        return {
          ...target,
          async *write(container, writes, signal) {
            for (const one of writes) {
              await race();
              yield* target.write(container, [one], signal);
            }
          },
          async *readBack(container, refs, signal) {
            await race();
            yield* target.readBack(container, refs, signal);
          },
          uploads: {
            ...uploads,
            begin: async (...args) => race().then(() => uploads.begin(...args)),
            send: async (...args) => race().then(() => uploads.send(...args)),
            finish: async (...args) => race().then(() => uploads.finish(...args)),
          },
        };
      };
      begin({ ...MIRROR, onConflict: 'source', maxFailures: 1 }, { target: leads });
      if (when === 'between') {
        await run();
        racing = true;
        for (const name of ['sub/file', 'sub/deep/file']) await put(from, name, 'edited');
        await put(from, 'sub/large', randomBytes(LARGE));
        await rm(join(from, 'sub/gone'));
        await put(from, 'sub/new');
      }
      const { totals } = await run();
      expect(totals.failures + totals.conflicts, 'it is said').toBeGreaterThan(0);
      expect(await tree(outside)).toEqual({ file: 'not yours', gone: 'not yours' });
      expect((await readFile(join(to, 'other'))).toString()).toBe('other');
    });
  }

  it('in the source, once it was listed: nothing is read outside', async () => {
    await put(outside, 'file', 'a secret');
    await put(outside, 'large', randomBytes(LARGE));
    await put(from, 'sub/file');
    await put(from, 'sub/large', randomBytes(LARGE));
    await put(from, 'other');
    const sub = join(from, 'sub');
    begin(
      { maxFailures: 1 },
      {
        source: (source) => ({
          ...source,
          async *read(...args) {
            await lead(sub);
            yield* source.read(...args);
          },
          async *open(...args) {
            await lead(sub);
            yield* (source.open as NonNullable<typeof source.open>)(...args);
          },
        }),
      },
    );
    const { totals } = await run();
    expect(totals).toMatchObject({ pending: 0 });
    expect(totals.failures).toBeGreaterThan(0);
    expect(Object.values(await tree(to))).not.toContain('a secret');
    expect(await readdir(to)).toContain('other');
    expect(existsSync(join(to, 'sub/large'))).toBe(false);
  });
});
