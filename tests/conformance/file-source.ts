/** What every source of files must do, whatever the system. */
import { expect } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { FileSource } from '../../connectors/kinds/files.js';
import { LARGE_BYTES } from '../../connectors/kinds/files.js';
import { compareKeys } from '../../connectors/kinds/key-order.js';
import { all, entries, never } from './collect.js';
import type { Suite, Trait } from './trait.js';
import { offered, runTraits } from './trait.js';
import type { FileOthers } from './trees.js';
import {
  content,
  contentOf,
  gathered,
  keysOf,
  listed,
  MODIFIED,
  metaOf,
  oddNames,
  read,
  refAt,
  treeOf,
  twins,
  withFolders,
} from './trees.js';

export interface FileSourceWorld extends FileOthers {
  open(): FileSource;
}

const TREE = ['a.txt', 'a/x.txt', 'a/y/z.txt', 'a0', 'b/', 'c.txt'];
/** `a.txt` stands before what is in `a`, and that before `a0`. */
const IN_ORDER = ['a.txt', 'a/', 'a/x.txt', 'a/y/', 'a/y/z.txt', 'a0', 'b/', 'c.txt'];

async function filled(world: FileSourceWorld, paths: readonly string[] = TREE): Promise<FileSource> {
  for (const path of paths) {
    if (path.endsWith('/')) await world.mkdir(path);
    else await world.put(path, content(100, path));
  }
  return opened(world);
}

async function opened(world: FileSourceWorld): Promise<FileSource> {
  const source = world.open();
  await source.place(never);
  return source;
}

async function streamed(source: FileSource, key: string, from: number, bytes: number): Promise<Buffer> {
  return gathered(source.open(await treeOf(source), await refAt(source, key), { from, bytes }, never));
}

const traits = {
  'proves the same place each time': async (world) => {
    expect(await (await opened(world)).place(never)).toEqual(await (await opened(world)).place(never));
  },
  'is one container, for the whole tree': async (world) => {
    const tree = await treeOf(await filled(world));
    expect(tree).toMatchObject({ key: '/', path: [] });
    expect(await treeOf(await opened(world))).toEqual(tree);
  },
  'lists folders and files in the order of their keys': async (world) => {
    expect(await keysOf(await filled(world))).toEqual(IN_ORDER);
  },
  'lists an empty tree': async (world) => {
    expect(await keysOf(await opened(world))).toEqual([]);
  },
  'goes on behind any key, one that is gone too': async (world) => {
    const source = await filled(world);
    for (const [at, key] of IN_ORDER.entries()) expect(await keysOf(source, key), key).toEqual(IN_ORDER.slice(at + 1));
    for (const key of ['a', 'a/y', 'a/y/zz', 'a/zz/', 'b/gone', 'zz']) {
      expect(await keysOf(source, key), key).toEqual(IN_ORDER.filter((one) => one > key));
    }
  },
  'tells types, sizes and dates': async (world) => {
    await world.put('f.bin', content(4_321), MODIFIED);
    await world.mkdir('d/');
    const [of, file] = await listed(await opened(world));
    expect([of?.key, of?.bytes, of?.version, of && metaOf(of).type]).toEqual(['d/', 0, '', 'folder']);
    expect([file?.key, file?.bytes, file && metaOf(file).type]).toEqual(['f.bin', 4_321, 'file']);
    expect(file?.version).not.toBe('');
  },
  'tells when content was changed': async (world) => {
    await world.put('f.bin', content(10), MODIFIED);
    const { modified } = metaOf(await refAt(await opened(world), 'f.bin'));
    expect(Date.parse(modified as string)).toBe(Date.parse(MODIFIED));
  },
  'lists 2,000 entries of one folder in pages': async (world) => {
    const paths = Array.from({ length: 2_000 }, (_, n) => `many/${String(n).padStart(4, '0')}`);
    await world.mkdir('many/');
    for (let at = 0; at < paths.length; at += 50) {
      await Promise.all(paths.slice(at, at + 50).map((path) => world.put(path, Buffer.from(path))));
    }
    const source = await opened(world);
    const pages = await all(source.list(await treeOf(source), undefined, never));
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flatMap((page) => page.entries.map(({ key }) => key))).toEqual(['many/', ...paths]);
    expect(await keysOf(source, 'many/1234')).toEqual(paths.slice(1_235));
  },
  'lists a tree 50 folders deep': async (world) => {
    const path = `${Array.from({ length: 50 }, (_, n) => `d${n}`).join('/')}/f.txt`;
    const source = await filled(world, [path]);
    expect(await keysOf(source)).toEqual(withFolders([path]));
    expect(await contentOf(source, await refAt(source, path))).toEqual(content(100, path));
  },
  'changes the version of what was edited, and of nothing else': async (world) => {
    const source = await filled(world);
    const before = new Map((await listed(source)).map((ref) => [ref.key, ref.version]));
    await world.put('a/x.txt', content(101, 'edited'));
    await world.put('b/new.txt', content(1));
    const differing = (await listed(source)).filter(({ key, version }) => before.get(key) !== version);
    expect(differing.map(({ key }) => key)).toEqual(['a/x.txt', 'b/new.txt']);
  },
  'changes the version of an edit that keeps the size': async (world) => {
    const source = await filled(world, ['f']);
    const { version } = await refAt(source, 'f');
    await world.put('f', content(100, 'other'));
    expect((await refAt(source, 'f')).version).not.toBe(version);
  },
  'shows the same to another session': async (world) => {
    const source = await filled(world);
    expect(await listed(await opened(world))).toEqual(await listed(source));
  },
  'changes its token with every edit, addition and removal, in any depth': async (world) => {
    const source = await filled(world);
    const tokens = [offered((await treeOf(source)).token, 'a state of the whole tree')];
    const look = async () => tokens.push((await treeOf(source)).token as string);
    await world.put('a/y/z.txt', content(7));
    await look();
    await world.put('a/y/new', content(7));
    await look();
    await world.remove('a/x.txt');
    await look();
    expect(new Set(tokens).size).toBe(4);
    await look();
    expect(tokens[4]).toBe(tokens[3]);
  },
  'reads in the order asked, with path and date': async (world) => {
    for (const path of ['a', 'b', 'c']) await world.put(path, content(50, path), MODIFIED);
    const source = await opened(world);
    const answers = await read(source, (await listed(source)).reverse());
    expect(answers.map((one) => ('body' in one ? [one.key, one.body.path, one.body.type] : one))).toEqual(
      ['c', 'b', 'a'].map((path) => [path, path, 'file']),
    );
    for (const one of answers) if ('body' in one) expect(one.body.bytes).toEqual(content(50, one.key));
  },
  'reads folders, which have no content': async (world) => {
    const source = await filled(world, ['b/']);
    const [answer] = await read(source, await listed(source));
    expect(answer).toMatchObject({ key: 'b/', body: { type: 'folder', path: 'b/', bytes: Buffer.alloc(0) } });
  },
  'reads files of no bytes, and of many zeros': async (world) => {
    await world.put('empty', Buffer.alloc(0));
    await world.put('zeros', Buffer.alloc(LARGE_BYTES));
    const source = await opened(world);
    expect((await listed(source)).map(({ bytes }) => bytes)).toEqual([0, LARGE_BYTES]);
    expect(await contentOf(source, await refAt(source, 'empty'))).toEqual(Buffer.alloc(0));
    expect(await contentOf(source, await refAt(source, 'zeros'))).toEqual(Buffer.alloc(LARGE_BYTES));
  },
  'reads 150 files at one request': async (world) => {
    const paths = Array.from({ length: 150 }, (_, n) => `d${n % 7}/${String(n).padStart(3, '0')}`);
    const source = await filled(world, paths);
    const refs = (await listed(source)).filter(({ key }) => !key.endsWith('/'));
    const answers = await read(source, refs);
    const digests = answers.map((one) => ('body' in one ? one.body.bytes.toString('hex') : one.reason));
    expect(digests).toEqual(refs.map(({ key }) => content(100, key).toString('hex')));
  },
  'refuses what is gone, and reads its neighbours': async (world) => {
    const source = await filled(world, ['a', 'b', 'c', 'd/e']);
    const refs = await listed(source);
    await world.remove('b');
    await world.remove('d/');
    const answers = await read(source, refs);
    expect(answers.map((one) => ('refused' in one ? `no ${one.refused}` : one.key))).toEqual([
      'a',
      'no b',
      'c',
      'no d/',
      'no d/e',
    ]);
  },
  'streams a large file, whole and in ranges': async (world) => {
    const bytes = content(3 * LARGE_BYTES + 17);
    await world.put('large.bin', bytes);
    const source = await opened(world);
    expect((await streamed(source, 'large.bin', 0, bytes.length)).equals(bytes)).toBe(true);
    for (const [from, length] of [
      [0, 1],
      [1, LARGE_BYTES],
      [LARGE_BYTES - 1, 2],
      [bytes.length - 5, 5],
    ] as const) {
      const range = await streamed(source, 'large.bin', from, length);
      expect(range.equals(bytes.subarray(from, from + length)), `${from}+${length}`).toBe(true);
    }
  },
  'streams only the version that was listed': async (world) => {
    await world.put('large.bin', content(2 * LARGE_BYTES));
    const source = await opened(world);
    const [tree, ref] = [await treeOf(source), await refAt(source, 'large.bin')];
    await world.put('large.bin', content(2 * LARGE_BYTES, 'other'));
    const range = { from: LARGE_BYTES, bytes: 10 };
    await expect(gathered(source.open(tree, ref, range, never))).rejects.toMatchObject({ code: 'source-changed' });
  },
  'notices a change while it streams': async (world) => {
    const bytes = content(24 * LARGE_BYTES);
    await world.put('large.bin', bytes);
    const source = await opened(world);
    const [tree, ref] = [await treeOf(source), await refAt(source, 'large.bin')];
    const got: Uint8Array[] = [];
    const reading = async () => {
      for await (const chunk of source.open(tree, ref, { from: 0, bytes: bytes.length }, never)) {
        if (got.length === 0) await world.put('large.bin', content(24 * LARGE_BYTES, 'other'));
        got.push(Buffer.from(chunk));
      }
    };
    // A system that keeps what was opened may go on with it: what must not come is a mixture.
    const fault = await reading().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (fault === undefined) expect(Buffer.concat(got).equals(bytes)).toBe(true);
    else expect(fault).toMatchObject({ code: 'source-changed' });
  },
  'says so when a large file is gone': async (world) => {
    await world.put('large.bin', content(2 * LARGE_BYTES));
    const source = await opened(world);
    const [tree, ref] = [await treeOf(source), await refAt(source, 'large.bin')];
    await world.remove('large.bin');
    await expect(gathered(source.open(tree, ref, { from: 0, bytes: 10 }, never))).rejects.toMatchObject({
      code: 'not-found',
    });
  },
  'keeps the id of a file that is edited': async (world) => {
    const source = await filled(world, ['f']);
    const id = offered(metaOf(await refAt(source, 'f')).id, 'ids');
    await world.put('f', content(101, 'edited'));
    expect(metaOf(await refAt(source, 'f')).id).toBe(id);
  },
  'ends when it is aborted': async (world) => {
    const source = await filled(world);
    const [tree, refs] = [await treeOf(source), await listed(source)];
    await expect(entries(source.list(tree, undefined, AbortSignal.abort()))).rejects.toThrow();
    await expect(all(source.read(tree, refs, AbortSignal.abort()))).rejects.toThrow();
  },
  'ends when it is closed': async (world) => {
    const source = await filled(world);
    const tree = await treeOf(source);
    source.close();
    source.close();
    await expect(entries(source.list(tree, undefined, never))).rejects.toBeInstanceOf(Fault);
  },
} as const satisfies Record<string, Trait<FileSourceWorld>>;
export type FileSourceTrait = keyof typeof traits | `lists and reads ${string}` | `tells apart ${string}`;

function lists(names: readonly string[]): Trait<FileSourceWorld> {
  return async (world) => {
    const taken: string[] = [];
    for (const name of names) {
      const paths = [name, `in/${name}`, `${name} folder/f`].filter(fits);
      if (await takes(world, paths)) taken.push(...paths);
    }
    expect(taken, 'no name was taken').not.toEqual([]);
    const source = await opened(world);
    const refs = await listed(source);
    expect(refs.map(({ key }) => key)).toEqual(withFolders(taken));
    for (const one of await read(source, refs)) {
      if (!('body' in one)) throw new Error(`refused: ${JSON.stringify(one)}`);
      if (one.body.type === 'file') expect(one.body.bytes, one.key).toEqual(content(100, one.key));
    }
  };
}

/** A longer name than any file system has. */
function fits(path: string): boolean {
  return path.split('/').every((name) => Buffer.byteLength(name) <= 255);
}

/** Names that the system itself does not take are none that a source could have. */
async function takes(world: FileSourceWorld, paths: readonly string[]): Promise<boolean> {
  try {
    for (const path of paths) await world.put(path, content(100, path));
    return true;
  } catch {
    for (const path of paths) if (await world.read(path)) await world.remove(path);
    return false;
  }
}

function tellsApart([one, other]: readonly [string, string]): Trait<FileSourceWorld> {
  return async (world) => {
    const source = await filled(world, [one, other]);
    expect(await keysOf(source)).toEqual([one, other].sort(compareKeys));
    for (const name of [one, other])
      expect(await contentOf(source, await refAt(source, name))).toEqual(content(100, name));
  };
}

export function fileSourceConformance(suite: Suite<FileSourceWorld, FileSourceTrait>): void {
  const odd = Object.entries(oddNames).map(([what, names]) => [`lists and reads ${what}`, lists(names)]);
  const apart = Object.entries(twins).map(([what, names]) => [`tells apart ${what}`, tellsApart(names)]);
  runTraits<FileSourceWorld, string>('file source', suite, { ...traits, ...Object.fromEntries([...odd, ...apart]) });
}
