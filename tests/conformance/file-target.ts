/** What every target of files must do, whatever the system. Large files: file-uploads.ts. */
import { expect } from 'vitest';
import type { Located, Target, Write, WriteAnswer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { FileBody } from '../../connectors/kinds/files.js';
import { BLOCK_BYTES, digestFile } from '../../connectors/kinds/files.js';
import { compareKeys } from '../../connectors/kinds/key-order.js';
import { all, entries, never, written } from './collect.js';
import { uploadTraits } from './file-uploads.js';
import type { FileTargetWorld, Ready } from './file-world.js';
import { copyOf, ready } from './file-world.js';
import type { Suite, Trait } from './trait.js';
import { offered, runTraits } from './trait.js';
import {
  apply,
  content,
  creating,
  digestOfContent,
  file,
  folder,
  listed,
  MODIFIED,
  metaOf,
  oddNames,
  treeOf,
  twins,
  updating,
  withFolders,
} from './trees.js';

async function answer({ target, container }: Ready, write: Write<FileBody>): Promise<WriteAnswer> {
  return (await apply(target, container, [write])).get(write.token) as WriteAnswer;
}

async function one(world: FileTargetWorld, path = 'f.txt'): Promise<Ready & { version: string }> {
  const at = await ready(world);
  const answers = await apply(at.target, at.container, [creating('t', file(path, content(100, path)))]);
  written(answers, 't');
  return { ...at, version: (await copyOf(at, path)).version as string };
}

async function located({ target, container }: Ready, bodies: readonly FileBody[]): Promise<Located[]> {
  const anchor = await target.anchor(container, never);
  const intents = bodies.map((body) => ({ token: `t ${body.path}`, digest: digestFile(body), path: body.path }));
  return all(target.locate(container, intents, anchor, async () => new Set(), never));
}

const traits = {
  'is one container, and finds it again': async (world) => {
    const { target, container } = await ready(world);
    expect(container).toMatchObject({ key: '/', path: [] });
    const again = await target.ensure({ path: [] }, never);
    expect(again).toMatchObject({ key: '/', validity: container.validity, created: false });
    const find = offered(target.find, 'looking without making').bind(target);
    expect(await find({ path: [] }, never)).toMatchObject({ key: '/', created: false });
  },
  'is the same place, key and version in both roles': async (world) => {
    const { target, container, version } = await one(world, 'd/f.txt');
    const source = offered(world.source, 'both roles').call(world);
    try {
      expect(await source.place(never)).toEqual(await target.place(never));
      expect(await treeOf(source)).toMatchObject({ key: container.key, validity: container.validity });
      expect((await listed(source)).map((ref) => [ref.key, ref.version])).toEqual([
        ['d/', ''],
        ['d/f.txt', version],
      ]);
    } finally {
      source.close();
    }
  },
  'writes files, and makes the folders above': async (world) => {
    const at = await ready(world);
    const paths = ['a.txt', 'a/b/c.txt', 'a/d.txt', 'e/f.txt'];
    const answers = await apply(
      at.target,
      at.container,
      paths.map((path) => creating(path, file(path, content(100, path)))),
    );
    for (const path of paths) expect(written(answers, path).ref).toBe(path);
    expect(await world.list()).toEqual(withFolders(paths));
    for (const path of paths) expect(await world.read(path)).toEqual(content(100, path));
  },
  'tells versions that hold': async (world) => {
    const at = await ready(world);
    const told = written(await apply(at.target, at.container, [creating('t', file('f', content(9)))]), 't').version;
    expect(offered(told, 'versions of what it wrote')).toBe((await copyOf(at, 'f')).version);
    const updated = written(await apply(at.target, at.container, [updating('u', 'f', told, content(10))]), 'u').version;
    expect(updated).toBe((await copyOf(at, 'f')).version);
    expect(updated).not.toBe(told);
  },
  'keeps the date of the content': async (world) => {
    const at = await ready(world);
    await answer(at, creating('t', file('f', content(9))));
    const { modified } = metaOf(await copyOf(at, 'f'));
    expect(Date.parse(modified as string)).toBe(Date.parse(MODIFIED));
  },
  'makes folders, once or twice': async (world) => {
    const at = await ready(world);
    for (const token of ['s', 't']) {
      expect(await answer(at, creating(token, folder('a/empty/')))).toMatchObject({ token, ref: 'a/empty/' });
    }
    expect(await world.list()).toEqual(['a/', 'a/empty/']);
  },
  'does not take the place of a file': async (world) => {
    await world.put('f.txt', content(10, 'theirs'));
    const at = await ready(world);
    expect(await answer(at, creating('t', file('f.txt', content(10, 'ours'))))).toMatchObject({ conflicted: 't' });
    expect(await answer(at, creating('u', folder('f.txt/')))).toMatchObject({ conflicted: 'u' });
    expect(await answer(at, creating('v', file('f.txt/below', content(1))))).toMatchObject({ conflicted: 'v' });
    expect(await world.read('f.txt')).toEqual(content(10, 'theirs'));
    expect(await world.list()).toEqual(['f.txt']);
  },
  'does not take the place of a folder': async (world) => {
    await world.put('d/theirs', content(10));
    const at = await ready(world);
    expect(await answer(at, creating('t', file('d', content(10, 'ours'))))).toMatchObject({ conflicted: 't' });
    expect(await world.list()).toEqual(['d/', 'd/theirs']);
  },
  'writes beside a conflict': async (world) => {
    await world.put('b', content(10, 'theirs'));
    const at = await ready(world);
    const answers = await apply(
      at.target,
      at.container,
      ['a', 'b', 'c'].map((path) => creating(path, file(path, content(5)))),
    );
    expect([...answers.values()].filter((one) => 'conflicted' in one)).toMatchObject([{ conflicted: 'b', ref: 'b' }]);
    expect(await world.list()).toEqual(['a', 'b', 'c']);
  },
  'writes 300 files in one batch': async (world) => {
    const at = await ready(world);
    const paths = Array.from({ length: 300 }, (_, n) => `d${n % 10}/${n}`);
    const answers = await apply(
      at.target,
      at.container,
      paths.map((path) => creating(path, file(path, content(50, path)))),
    );
    for (const path of paths) written(answers, path);
    expect((await world.list()).length).toBe(310);
    expect(await world.read('d7/127')).toEqual(content(50, 'd7/127'));
  },
  'writes files of no bytes and of zeros': async (world) => {
    const at = await ready(world);
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(500_000)]) {
      const path = `f${bytes.length}`;
      await answer(at, creating('t', file(path, bytes)));
      expect(await world.read(path)).toEqual(bytes);
      expect((await copyOf(at, path)).digest).toBe(digestOfContent(bytes));
    }
  },
  'writes 50 folders deep': async (world) => {
    const path = `${Array.from({ length: 50 }, (_, n) => `d${n}`).join('/')}/f`;
    const at = await ready(world);
    expect(await answer(at, creating('t', file(path, content(3))))).toMatchObject({ ref: path });
    expect(await world.list()).toEqual(withFolders([path]));
  },
  'replaces what has the version it should have': async (world) => {
    const at = await one(world);
    expect(await answer(at, updating('u', 'f.txt', at.version, content(77, 'new')))).toMatchObject({ ref: 'f.txt' });
    expect(await world.read('f.txt')).toEqual(content(77, 'new'));
  },
  'does not replace what somebody edited': async (world) => {
    const at = await one(world);
    await world.put('f.txt', content(101, 'theirs'));
    expect(await answer(at, updating('u', 'f.txt', at.version, content(77, 'ours')))).toMatchObject({
      conflicted: 'u',
    });
    expect(await world.read('f.txt')).toEqual(content(101, 'theirs'));
  },
  'does not replace what is gone': async (world) => {
    const at = await one(world);
    await world.remove('f.txt');
    expect(await answer(at, updating('u', 'f.txt', at.version, content(77)))).toMatchObject({ conflicted: 'u' });
    expect(await world.list()).toEqual([]);
  },
  'moves a file, and keeps its version of content': async (world) => {
    const at = await one(world, 'a/f.txt');
    const move = { op: 'move', token: 'm', ref: 'a/f.txt', to: at.container, path: 'b/c/g.txt' } as const;
    const told = await answer(at, { ...move, version: at.version });
    expect(told).toMatchObject({ token: 'm', ref: 'b/c/g.txt' });
    expect(await world.list()).toEqual(['a/', 'b/', 'b/c/', 'b/c/g.txt']);
    expect(await world.read('b/c/g.txt')).toEqual(content(100, 'a/f.txt'));
    const { version } = told as { version?: string };
    if (version !== undefined) expect(version).toBe((await copyOf(at, 'b/c/g.txt')).version);
  },
  'moves nothing over another, or what was edited': async (world) => {
    const at = await one(world);
    await world.put('g.txt', content(5, 'theirs'));
    const move = { op: 'move', token: 'm', ref: 'f.txt', to: at.container } as const;
    expect(await answer(at, { ...move, path: 'g.txt', version: at.version })).toMatchObject({ conflicted: 'm' });
    expect(await world.read('g.txt')).toEqual(content(5, 'theirs'));
    await world.put('f.txt', content(101, 'edited'));
    expect(await answer(at, { ...move, path: 'h.txt', version: at.version })).toMatchObject({ conflicted: 'm' });
    expect(await world.list()).toEqual(['f.txt', 'g.txt']);
  },
  'moves nothing that is gone': async (world) => {
    const at = await one(world);
    await world.remove('f.txt');
    const move = {
      op: 'move',
      token: 'm',
      ref: 'f.txt',
      to: at.container,
      path: 'g.txt',
      version: at.version,
    } as const;
    expect(await answer(at, move)).not.toHaveProperty('token');
    expect(await world.list()).toEqual([]);
  },
  'removes files, then the folders that they leave empty': async (world) => {
    const at = await one(world, 'a/b/f.txt');
    const refs = ['a/b/f.txt', 'a/b/', 'a/'];
    const writes = refs.map(
      (ref) => ({ op: 'remove', token: ref, ref, version: ref.endsWith('/') ? '' : at.version }) as const,
    );
    const answers = await apply(at.target, at.container, writes);
    for (const ref of refs) written(answers, ref);
    expect(await world.list()).toEqual([]);
  },
  'removes no folder that holds something': async (world) => {
    await world.put('d/theirs', content(1));
    const at = await ready(world);
    expect(await answer(at, { op: 'remove', token: 'r', ref: 'd/', version: '' })).toMatchObject({ conflicted: 'r' });
    expect(await world.list()).toEqual(['d/', 'd/theirs']);
  },
  'removes nothing that somebody edited': async (world) => {
    const at = await one(world);
    await world.put('f.txt', content(101, 'theirs'));
    const remove = { op: 'remove', token: 'r', ref: 'f.txt', version: at.version } as const;
    expect(await answer(at, remove)).toMatchObject({ conflicted: 'r' });
    expect(await world.read('f.txt')).toEqual(content(101, 'theirs'));
  },
  'has removed what is gone': async (world) => {
    const at = await one(world, 'a/f.txt');
    await world.remove('a/');
    for (const ref of ['a/f.txt', 'a/']) {
      expect(await answer(at, { op: 'remove', token: 'r', ref, version: at.version })).toMatchObject({ token: 'r' });
    }
  },
  'finds what landed, and nothing else': async (world) => {
    const at = await ready(world);
    const landed = [file('a.txt', content(10, 'a')), folder('d/')];
    await apply(
      at.target,
      at.container,
      landed.map((body) => creating(body.path, body)),
    );
    await world.put('c.txt', content(10, 'theirs'));
    const lost = [
      file('b.txt', content(10, 'b')),
      file('c.txt', content(10, 'c')),
      folder('e/'),
      file('x/y', content(1)),
    ];
    const found = await located(at, [...landed, ...lost]);
    expect(found.map((one) => [one.token, one.found]).sort()).toEqual([
      ['t a.txt', 'landed'],
      ['t b.txt', 'absent'],
      ['t c.txt', 'absent'],
      ['t d/', 'landed'],
      ['t e/', 'absent'],
      ['t x/y', 'absent'],
    ]);
    const a = found.find(({ token }) => token === 't a.txt');
    expect(a).toMatchObject({ ref: 'a.txt', version: (await copyOf(at, 'a.txt')).version });
  },
  'proves contents of any size': async (world) => {
    const sizes = [1, 1_000_000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 20 * 1024 * 1024];
    for (const size of sizes) await world.put(`f${size}`, content(size, String(size)));
    const at = await ready(world);
    const refs = sizes.map((size) => `f${size}`).sort();
    for (const copy of await all(at.target.readBack(at.container, refs, never))) {
      const bytes = Number(copy.ref.slice(1));
      expect([copy.ref, copy.bytes, copy.digest]).toEqual([
        copy.ref,
        bytes,
        digestOfContent(content(bytes, String(bytes))),
      ]);
      expect(copy.body, 'content is not held').toMatchObject({ type: 'file', bytes: Buffer.alloc(0) });
    }
  },
  'proves what it wrote, and folders': async (world) => {
    const at = await ready(world);
    const bodies = [file('a', content(10)), folder('d/'), file('d/e', Buffer.alloc(0))];
    await apply(
      at.target,
      at.container,
      bodies.map((body) => creating(body.path, body)),
    );
    const back = await all(
      at.target.readBack(
        at.container,
        bodies.map(({ path }) => path),
        never,
      ),
    );
    expect(back.map(({ ref, digest }) => [ref, digest])).toEqual(bodies.map((body) => [body.path, digestFile(body)]));
    expect(back.map((copy) => metaOf(copy).type)).toEqual(['file', 'folder', 'file']);
  },
  'leaves out of its evidence what is gone or something else': async (world) => {
    const at = await one(world, 'd/f');
    const refs = ['d', 'd/f', 'd/f/', 'd/g', 'gone/f'];
    expect((await all(at.target.readBack(at.container, refs, never))).map(({ ref }) => ref)).toEqual(['d/f']);
    const sizes = offered(at.target.sizes, 'sizes').bind(at.target);
    expect((await all(sizes(at.container, refs, never))).map(({ ref }) => ref)).toEqual(['d/f']);
  },
  'tells sizes and versions of many at once': async (world) => {
    const at = await ready(world);
    const paths = Array.from({ length: 120 }, (_, n) => `d${n % 3}/${String(n).padStart(3, '0')}`).sort();
    await apply(
      at.target,
      at.container,
      paths.map((path, n) => creating(path, file(path, content(n, path)))),
    );
    const sizes = offered(at.target.sizes, 'sizes').bind(at.target);
    const told = await all(sizes(at.container, paths, never));
    expect(told.map(({ ref, bytes }) => [ref, bytes])).toEqual(paths.map((path, n) => [path, n]));
    const [first] = told;
    if (first?.version !== undefined) expect(first.version).toBe((await copyOf(at, first.ref)).version);
  },
  'tells the SHA-256 of what it stores': async (world) => {
    const at = await ready(world);
    const checksums = offered(at.target.checksums, 'checksums').bind(at.target);
    await apply(at.target, at.container, [creating('t', file('f', content(1_000)))]);
    const told = await all(checksums(at.container, ['f', 'gone'], never));
    expect(told).toEqual([{ ref: 'f', bytes: 1_000, sha256: digestOfContent(content(1_000)) }]);
  },
  'tells how much room there is': async (world) => {
    const { target } = await ready(world);
    const room = await offered(target.room, 'a quota').call(target, never);
    expect(offered(room, 'a quota').bytes).toBeGreaterThan(1_000_000);
  },
  'scans what is not known already': async (world) => {
    for (const path of ['a', 'b', 'd/c']) await world.put(path, content(20, path));
    const at = await ready(world);
    const found = await entries(at.target.scan(at.container, async () => new Set(['b']), never));
    expect(found.map(({ ref }) => ref)).toEqual(['a', 'd/', 'd/c']);
    expect(found[2]?.digest).toBe(digestOfContent(content(20, 'd/c')));
  },
  'never leaves its root': async (world) => {
    const at = await ready(world);
    for (const path of ['../out', 'a/../../out', '/out', 'a//b', './a', 'a/./b', 'a\0b', '..']) {
      expect(await answer(at, creating('t', file(path, content(1)))), path).toMatchObject({ refused: 't' });
      const ref = { op: 'remove', token: 'r', ref: path, version: '1' } as const;
      expect(await answer(at, ref), path).toMatchObject({ refused: 'r' });
    }
    expect((await world.list()).filter((path) => path !== 'a/')).toEqual([]);
    expect(await all(at.target.readBack(at.container, ['../out', 'a/../../out'], never))).toEqual([]);
  },
  'writes nothing when it is aborted': async (world) => {
    const { target, container } = await ready(world);
    const writes = [creating('t', file('f', content(1)))];
    await expect(all(target.write(container, writes, AbortSignal.abort()))).rejects.toThrow();
    expect(await world.list()).toEqual([]);
  },
  'ends when it is closed': async (world) => {
    const { target, container } = await ready(world);
    target.close();
    target.close();
    await expect(all(target.write(container, [creating('t', file('f', content(1)))], never))).rejects.toBeInstanceOf(
      Fault,
    );
  },
} as const satisfies Record<string, Trait<FileTargetWorld>>;
export type FileTargetTrait =
  | keyof typeof traits
  | keyof typeof uploadTraits
  | `keeps ${string}`
  | `refuses or keeps apart ${string}`;

/** Each name is kept to the letter, or refused with a reason; and what the rules of the target allow is kept. */
function keeps(names: readonly string[]): Trait<FileTargetWorld> {
  return async (world) => {
    const at = await ready(world);
    const paths = names.flatMap((name) => [name, `in/${name}`]);
    const answers = await apply(
      at.target,
      at.container,
      paths.map((path) => creating(path, file(path, content(100, path)))),
    );
    const kept = paths.filter((path) => 'token' in (answers.get(path) as WriteAnswer));
    for (const path of paths) {
      if (!forbids(at.target, path)) expect(answers.get(path), path).toHaveProperty('token');
    }
    expect((await world.list()).filter((path) => path !== 'in/').sort(compareKeys)).toEqual(
      withFolders(kept).filter((path) => path !== 'in/'),
    );
    for (const path of kept) {
      expect(await world.read(path), path).toEqual(content(100, path));
      expect((await copyOf(at, path)).ref).toBe(path);
    }
  };
}

function forbids({ names = {} }: Target<FileBody>, path: string): boolean {
  return path.split('/').some((name) => {
    const plain = (name.split('.')[0] as string).toUpperCase();
    return (
      [...name].some((letter) => names.forbidden?.includes(letter) || letter < ' ') ||
      names.endings?.includes(name.slice(-1)) ||
      names.reserved?.includes(plain) ||
      Buffer.byteLength(name) > (names.nameBytes ?? 255)
    );
  });
}

function keepsApart([one, other]: readonly [string, string]): Trait<FileTargetWorld> {
  return async (world) => {
    const at = await ready(world);
    await answer(at, creating('t', file(one, content(100, one))));
    const second = await answer(at, creating('u', file(other, content(100, other))));
    expect(await world.read(one), 'the first is lost').toEqual(content(100, one));
    if ('token' in second) expect(await world.read(other)).toEqual(content(100, other));
    const { caseless, formless, endings, forbidden } = at.target.names ?? {};
    if (!caseless && !formless && !endings && !forbidden) expect(second).toHaveProperty('token');
  };
}

export function fileTargetConformance(suite: Suite<FileTargetWorld, FileTargetTrait>): void {
  const odd = Object.entries(oddNames).map(([what, names]) => [`keeps ${what}`, keeps(names)]);
  const apart = Object.entries(twins).map(([what, names]) => [`refuses or keeps apart ${what}`, keepsApart(names)]);
  runTraits<FileTargetWorld, string>('file target', suite, {
    ...traits,
    ...uploadTraits,
    ...Object.fromEntries([...odd, ...apart]),
  });
}
