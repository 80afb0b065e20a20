import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, never } from '../../tests/conformance/collect.js';
import {
  apply,
  content,
  creating,
  file,
  keysOf,
  listed,
  metaOf,
  pieces,
  read,
  updating,
} from '../../tests/conformance/trees.js';
import type { Upload } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import { isoOf, secondsOf } from './entry.js';
import { holdFolder, STAGING } from './held-folder.js';
import { namesAt } from './names.js';
import type { LinkPolicy } from './resolve.js';
import { createFolderSource } from './source.js';
import { createFolderTarget } from './target.js';

let base: string;
/** The tree, and a neighbour of it that nobody may touch. */
let dir: string;
let outside: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'folder-'));
  dir = join(base, 'tree');
  outside = join(base, 'outside');
  await mkdir(dir);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
});
afterEach(() => rm(base, { recursive: true, force: true }));

const source = (links: LinkPolicy) => createFolderSource(dir, links);

async function ready() {
  const target = createFolderTarget({ path: dir });
  return { target, container: await target.ensure({ path: [] }, never) };
}

async function answerTo(body: FileBody) {
  const { target, container } = await ready();
  return (await apply(target, container, [creating('t', body)])).get('t');
}

async function readAll(links: LinkPolicy) {
  const from = source(links);
  const answers = await read(from, await listed(from));
  return answers.map((one) =>
    'refused' in one
      ? [one.refused, one.skipped ? 'skipped' : 'refused', one.reason]
      : [one.key, one.body.type, one.body.bytes.toString()],
  );
}

describe('links in a source', () => {
  beforeEach(async () => {
    await mkdir(join(dir, 'real', 'deep'), { recursive: true });
    await writeFile(join(dir, 'real', 'deep', 'f'), 'f');
    await symlink('real/deep/f', join(dir, 'to-file'));
    await symlink('real/deep', join(dir, 'to-folder'));
    await symlink('../../real', join(dir, 'real', 'deep', 'up'));
    await symlink('nowhere', join(dir, 'broken'));
    await symlink(join(outside, 'secret'), join(dir, 'out'));
    await symlink(outside, join(dir, 'out-folder'));
  });

  const NAMES = ['broken', 'out', 'out-folder', 'real/deep/up', 'to-file', 'to-folder'];

  it('are left out, and said to be', async () => {
    const links = (await readAll('skip')).filter(([, how]) => how === 'skipped').map(([key]) => key);
    expect(links).toEqual(NAMES);
    expect((await listed(source('skip'))).filter((ref) => metaOf(ref).type === 'link').length).toBe(NAMES.length);
  });

  it('are kept as links', async () => {
    const links = (await readAll('keep')).filter(([, how]) => how === 'link');
    expect(links.map(([key]) => key)).toEqual(NAMES);
    expect(links.find(([key]) => key === 'to-file')).toEqual(['to-file', 'link', 'real/deep/f']);
  });

  it('are followed within the tree, and never out or in circles', async () => {
    const answers = await readAll('follow');
    expect(answers.map(([key, how]) => `${how} ${key}`)).toEqual(
      [
        'refused broken',
        'refused out',
        'refused out-folder',
        'folder real/',
        'folder real/deep/',
        'file real/deep/f',
        'refused real/deep/up',
        'file to-file',
        'folder to-folder/',
        'file to-folder/f',
        'refused to-folder/up',
      ].sort((a, b) => ((a.split(' ')[1] as string) < (b.split(' ')[1] as string) ? -1 : 1)),
    );
    expect(JSON.stringify(answers)).not.toContain('secret');
    expect(answers.find(([key]) => key === 'to-folder/f')?.[2]).toBe('f');
  });

  it('are not followed into a file that is read, streamed or listed later', async () => {
    await writeFile(join(dir, 'swapped'), 'harmless');
    const from = source('skip');
    const refs = (await listed(from)).filter(({ key }) => key === 'swapped' || key === 'real/deep/f');
    await rm(join(dir, 'swapped'));
    await symlink(join(outside, 'secret'), join(dir, 'swapped'));
    await rename(join(dir, 'real', 'deep'), join(base, 'elsewhere'));
    await symlink(join(base, 'elsewhere'), join(dir, 'real', 'deep'));
    await mkdir(join(base, 'elsewhere', 'below'));
    await writeFile(join(base, 'elsewhere', 'below', 'g'), 'g');
    refs.push({ key: 'real/deep/below/g', version: '1', bytes: 1, rank: 0, meta: { type: 'file' } });
    expect((await read(from, refs)).map((one) => 'refused' in one && one.refused)).toEqual(refs.map(({ key }) => key));
    for (const ref of refs) {
      const tree = { key: '/', path: [], validity: '1' };
      const stream = from.open(tree, ref, { from: 0, bytes: 1 }, never);
      await expect(all(stream), ref.key).rejects.toThrow();
    }
  });
});

it('names pipes and sockets, and does not wait for them', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  const server = createServer().listen(join(dir, 'socket'));
  await new Promise((listening) => server.once('listening', listening));
  await writeFile(join(dir, 'plain'), 'x');
  try {
    expect((await readAll('skip')).map(([key, how]) => [key, how])).toEqual([
      ['pipe', 'skipped'],
      ['plain', 'file'],
      ['socket', 'skipped'],
    ]);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
});

it('names what is no UTF-8, and reads its neighbours', async () => {
  const at = (name: Buffer) => Buffer.concat([Buffer.from(`${dir}/`), name]);
  await writeFile(at(Buffer.from('caf\xe9', 'latin1')), 'x');
  await writeFile(at(Buffer.from('caf\xe8', 'latin1')), 'y');
  await mkdir(at(Buffer.from('d\xfcr', 'latin1')));
  await writeFile(at(Buffer.from('d\xfcr/in', 'latin1')), 'z');
  await writeFile(join(dir, 'café'), 'sound');
  await writeFile(join(dir, 'odd\uFFFD'), 'sound');
  const answers = await readAll('skip');
  expect(answers.map(([key, how]) => [key, how])).toEqual(
    [
      ['caf\uFFFDe8', 'refused'],
      ['caf\uFFFDe9', 'refused'],
      ['café', 'file'],
      ['d\uFFFDfcr/', 'refused'],
      ['odd\uFFFD', 'file'],
    ].sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1)),
  );
  expect(answers.find(([key]) => key === 'caf\uFFFDe9')?.[2]).toContain('no UTF-8');
});

it('reads a sparse file as the zeros that it is, and knows edits that keep size and date', async () => {
  await writeFile(join(dir, 'sparse'), '');
  await truncate(join(dir, 'sparse'), 900_000);
  const [answer] = await read(source('skip'), await listed(source('skip')));
  expect(answer && 'body' in answer && answer.body.bytes.equals(Buffer.alloc(900_000))).toBe(true);
  const [before] = await listed(source('skip'));
  const { mtime } = await stat(join(dir, 'sparse'));
  // Another file in its place, as editors and rsync write.
  await writeFile(join(dir, 'new'), Buffer.alloc(900_000, 1));
  await utimes(join(dir, 'new'), mtime, mtime);
  await rename(join(dir, 'new'), join(dir, 'sparse'));
  expect((await listed(source('skip')))[0]?.version).not.toBe(before?.version);
});

it('refuses a small file that has grown large, instead of holding it', async () => {
  await writeFile(join(dir, 'log'), 'short');
  const from = source('skip');
  const refs = await listed(from);
  await truncate(join(dir, 'log'), 50_000_000);
  const [answer] = await read(from, refs);
  expect(answer && 'refused' in answer ? answer.reason : 'it was read').toContain('grown');
});

it('does not take a folder that cannot be found for an empty one', async () => {
  const from = source('skip');
  await rm(dir, { recursive: true });
  await expect(keysOf(from)).rejects.toMatchObject({ code: 'not-found' });
  await writeFile(dir, 'a file');
  await expect(keysOf(from)).rejects.toMatchObject({ code: 'not-found' });
  await expect(ready()).rejects.toMatchObject({ code: 'spec' });
});

describe('links in a target', () => {
  it('are never written through, as folders or as files', async () => {
    await symlink(outside, join(dir, 'd'));
    await symlink(join(outside, 'secret'), join(dir, 'f'));
    expect(await answerTo(file('d/new', content(3)))).toMatchObject({ refused: 't' });
    expect(await answerTo(file('d/e/new', content(3)))).toMatchObject({ refused: 't' });
    expect(await answerTo({ ...file('d/', Buffer.alloc(0)), type: 'folder' })).toMatchObject({ refused: 't' });
    expect(await answerTo(file('f', content(3)))).toMatchObject({ conflicted: 't' });
    const { target, container } = await ready();
    const removed = await apply(target, container, [{ op: 'remove', token: 'r', ref: 'd/secret' }]);
    expect([...removed.values()]).toMatchObject([{ token: 'r' }]);
    expect(await readdir(outside)).toEqual(['secret']);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('are replaced themselves by an update, not what they point to', async () => {
    await symlink(join(outside, 'secret'), join(dir, 'f'));
    const { target, container } = await ready();
    await apply(target, container, [updating('u', 'f', undefined, Buffer.from('ours'))]);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect((await lstat(join(dir, 'f'))).isFile()).toBe(true);
  });

  it('that lead away below the place for unfinished files stop everything', async () => {
    await symlink(outside, join(dir, STAGING));
    const { target, container } = await ready();
    const writing = apply(target, container, [creating('t', file('f', content(3)))]);
    await expect(writing).rejects.toMatchObject({ code: 'refused' });
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('are kept as they came, wherever they point', async () => {
    const body: FileBody = { type: 'link', path: 'l', bytes: Buffer.from('../outside/secret') };
    expect(await answerTo(body)).toMatchObject({ token: 't', ref: 'l' });
    expect(await readlink(join(dir, 'l'))).toBe('../outside/secret');
    const { target, container } = await ready();
    const [copy] = await all(target.readBack(container, ['l'], never));
    expect(copy).toMatchObject({ digest: (creating('x', body) as { digest: string }).digest, bytes: 17 });
  });

  it('that take the place of a folder while it is written to do not lead the write away', async () => {
    await mkdir(join(dir, 'd'));
    const held = await holdFolder(dir, ['d']);
    await rename(join(dir, 'd'), join(dir, 'was-d'));
    await symlink(outside, join(dir, 'd'));
    await writeFile(held?.at('new') as string, 'x');
    await held?.close();
    expect(await readdir(outside)).toEqual(['secret']);
    expect(await readdir(join(dir, 'was-d'))).toEqual(['new']);
    await expect(holdFolder(dir, ['d'])).resolves.toBeUndefined();
    await expect(holdFolder(dir, ['d', 'e'])).resolves.toBeUndefined();
  });

  it('that come and go all the time get nothing', async () => {
    await mkdir(join(dir, 'd'));
    const { target, container } = await ready();
    let swapping = true;
    let write: Promise<unknown> | undefined;
    // Our own writes make the folder anew where it is missing: then the swapping goes on with that one.
    const swapper = (async () => {
      const step = (work: Promise<void>) => work.catch(() => undefined);
      for (let n = 0; swapping; n++) {
        await step(rename(join(dir, 'd'), join(base, `d${n}`)));
        await step(symlink(outside, join(dir, 'd')));
        await step(unlink(join(dir, 'd')));
        await step(rename(join(base, `d${n}`), join(dir, 'd')));
        // Now and then it rests, with the folder in its place, until one write has begun and ended: on a busy machine
        // no write may be quick enough to arrive between two swaps.
        if (n % 8 === 7) {
          await write;
          await write;
        }
      }
    })();
    let arrived = 0;
    for (let n = 0; n < 150; n++) {
      const writes = [creating('t', file(`d/${n}`, content(10)))];
      // Faults are allowed, escapes are not.
      const writing = apply(target, container, writes).catch(() => undefined);
      write = writing;
      const answers = await writing;
      if (answers && 'token' in (answers.get('t') as object)) arrived++;
    }
    swapping = false;
    await swapper;
    expect(arrived).toBeGreaterThan(0);
    expect(await readdir(outside)).toEqual(['secret']);
  });
});

it('keeps what others may do with a file that it replaces', async () => {
  await writeFile(join(dir, 'f'), 'old');
  await chmod(join(dir, 'f'), 0o640);
  const { target, container } = await ready();
  await apply(target, container, [updating('u', 'f', undefined, Buffer.from('new'))]);
  expect((await stat(join(dir, 'f'))).mode & 0o777).toBe(0o640);
});

it('keeps its own place free of others', async () => {
  expect(await answerTo(file(`${STAGING}/x`, content(1)))).toMatchObject({ refused: 't' });
  expect(await answerTo(file(`sub/${STAGING}`, content(1)))).toMatchObject({ token: 't' });
});

it('does not move a folder into the place of an empty one', async () => {
  await mkdir(join(dir, 'a'));
  await mkdir(join(dir, 'b'));
  const { target, container } = await ready();
  const move = { op: 'move', token: 'm', ref: 'a/', to: container, path: 'b/' } as const;
  expect([...(await apply(target, container, [move])).values()]).toMatchObject([{ conflicted: 'm', ref: 'b/' }]);
  expect((await readdir(dir)).sort()).toEqual(['a', 'b']);
});

it('moves a folder with all that it holds, and ends a move that was begun', async () => {
  await mkdir(join(dir, 'a'));
  await writeFile(join(dir, 'a', 'f'), 'f');
  await writeFile(join(dir, 'g'), 'g');
  await link(join(dir, 'g'), join(dir, 'h'));
  const { target, container } = await ready();
  const to = container;
  const moved = await apply(target, container, [
    { op: 'move', token: 'a', ref: 'a/', to, path: 'b/c/' },
    { op: 'move', token: 'g', ref: 'g', to, path: 'h' },
  ]);
  expect([...moved.values()]).toMatchObject([{ ref: 'b/c/' }, { ref: 'h' }]);
  expect(await keysOf(source('skip'))).toEqual(['b/', 'b/c/', 'b/c/f', 'h']);
});

describe('large files', () => {
  const PART = 32 * 1024 * 1024;
  const bytes = content(PART + 5);

  async function begun(path = 'big') {
    const at = await ready();
    const uploads = at.target.uploads;
    const meta = { type: 'file', modified: '2020-01-02T03:04:05.678Z' };
    const upload: Upload = { token: randomUUID(), path, bytes: bytes.length, partBytes: PART, meta };
    await uploads.begin(at.container, upload, never);
    const send = (part: number) =>
      uploads.send(at.container, upload, part, pieces(bytes.subarray(part * PART, (part + 1) * PART)), never);
    return { ...at, uploads, upload, send, staging: (name = upload.token) => join(dir, STAGING, name) };
  }

  it('count only parts whose word is whole', async () => {
    const { uploads, upload, container, send, staging } = await begun();
    await send(0);
    await appendFile(staging(`${upload.token}.parts`), '\n+1');
    expect([...(await uploads.acknowledged(container, upload, never))]).toEqual([0]);
    await send(1);
    expect([...(await uploads.acknowledged(container, upload, never))].sort()).toEqual([0, 1]);
    expect(await uploads.finish(container, upload, undefined, never)).toMatchObject({ ref: 'big' });
  });

  it('do not count a part any more that is being sent again', async () => {
    const { uploads, upload, container, send } = await begun();
    await send(0);
    const broken = uploads.send(container, upload, 0, pieces(content(100)), never);
    await expect(broken).rejects.toMatchObject({ code: 'source-changed' });
    expect((await uploads.acknowledged(container, upload, never)).size).toBe(0);
    await send(0);
    expect((await uploads.acknowledged(container, upload, never)).size).toBe(1);
  });

  it('count no parts of another file of that name', async () => {
    const { uploads, upload, container, send, staging } = await begun();
    await send(0);
    // The old one stays, so that its inode is not used again.
    await rename(staging(), staging('kept'));
    await writeFile(staging(), '');
    await truncate(staging(), bytes.length);
    expect((await uploads.acknowledged(container, upload, never)).size).toBe(0);
    await expect(uploads.finish(container, upload, undefined, never)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('have landed when a process died between the name and the word of it', async () => {
    const { uploads, upload, container, send, staging } = await begun();
    await send(0);
    await send(1);
    await link(staging(), join(dir, 'big'));
    expect((await uploads.acknowledged(container, upload, never)).size).toBe(2);
    expect(await uploads.finish(container, upload, undefined, never)).toMatchObject({ ref: 'big' });
    expect(await readdir(join(dir, STAGING))).toEqual([]);
  });

  it('have landed when a process died after it had renamed them over another', async () => {
    const { uploads, upload, container, send, staging } = await begun();
    await send(0);
    await send(1);
    await rename(staging(), join(dir, 'big'));
    expect((await uploads.acknowledged(container, upload, never)).size).toBe(2);
    expect(await uploads.finish(container, upload, 'old version', never)).toMatchObject({ ref: 'big' });
    expect(await readdir(join(dir, STAGING))).toEqual([]);
  });

  it('have not landed when another file of the size stands there', async () => {
    const { uploads, upload, container } = await begun();
    await uploads.abort(container, upload, never);
    await writeFile(join(dir, 'big'), bytes);
    await expect(uploads.finish(container, upload, undefined, never)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are not put through a link', async () => {
    await symlink(outside, join(dir, 'd'));
    const { uploads, upload, container, send } = await begun('d/big');
    await send(0);
    await send(1);
    expect(await uploads.finish(container, upload, undefined, never)).toMatchObject({ refused: upload.token });
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('come with more or fewer bytes than they have: the part does not count', async () => {
    const { uploads, upload, container } = await begun();
    for (const length of [PART - 1, PART + 1]) {
      const sending = uploads.send(container, upload, 0, pieces(content(length)), never);
      await expect(sending).rejects.toMatchObject({ code: 'source-changed' });
    }
    expect((await uploads.acknowledged(container, upload, never)).size).toBe(0);
  });

  it('that nobody went on with are swept, those of today are not', async () => {
    const { upload } = await begun();
    await writeFile(join(dir, STAGING, `${randomUUID()}.tmp`), 'torn');
    const names = async () => (await readdir(join(dir, STAGING))).filter((name) => !name.endsWith('.parts'));
    const after = async (ms: number) => {
      const target = createFolderTarget({ path: dir, now: () => Date.now() + ms });
      await target.ensure({ path: [] }, never);
      return names();
    };
    expect((await after(0)).length).toBe(2);
    expect(await after(2 * 3_600_000)).toEqual([upload.token]);
    expect(await after(8 * 24 * 3_600_000)).toEqual([]);
  });
});

describe('dates', () => {
  it('keep all digits there are', () => {
    expect(isoOf(1_577_934_245_678_901_234n)).toBe('2020-01-02T03:04:05.678901234Z');
    expect(isoOf(1_577_934_245_000_000_000n)).toBe('2020-01-02T03:04:05.000Z');
    expect(isoOf(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
    expect(isoOf(10n ** 30n)).toBeUndefined();
  });

  it('are kept to the millisecond by what the file system is told', async () => {
    await writeFile(join(dir, 'f'), '');
    for (const iso of ['2020-01-02T03:04:05.678Z', '1999-12-31T23:59:59.999Z', '2001-02-03T04:05:06Z']) {
      const seconds = secondsOf(iso) as number;
      await utimes(join(dir, 'f'), seconds, seconds);
      const { mtimeNs } = await stat(join(dir, 'f'), { bigint: true });
      expect(Number(mtimeNs / 1_000_000n)).toBe(Date.parse(iso));
    }
    expect(secondsOf('yesterday')).toBeUndefined();
  });

  it.each([
    '1969-12-31T23:59:59.500Z',
    '1960-05-05T05:05:05.123Z',
    '2040-01-01T00:00:00.250Z',
    '2300-01-01T00:00:00.123Z',
  ])('are kept, small and large, when they are as far as %s', async (modified) => {
    const { target, container } = await ready();
    const body = file('small', content(5), modified);
    await apply(target, container, [
      creating('s', body),
      creating('l', { ...body, path: 'link', type: 'link', bytes: Buffer.from('to') }),
    ]);
    const upload = { token: 'far', path: 'large', bytes: 5, partBytes: 5, meta: { modified } };
    const uploads = target.uploads;
    await uploads.begin(container, upload, never);
    await uploads.send(container, upload, 0, pieces(content(5)), never);
    const landed = await uploads.finish(container, upload, undefined, never);
    expect(await uploads.finish(container, upload, undefined, never)).toEqual(landed);
    for (const name of ['small', 'link', 'large']) {
      const { mtimeNs } = await lstat(join(dir, name), { bigint: true });
      expect([name, Math.floor(Number(mtimeNs / 1_000n) / 1_000)]).toEqual([name, Date.parse(modified)]);
    }
  });
});

it('does not lose a file that moves to the name that it has, as on disks where case does not count', async () => {
  await writeFile(join(dir, 'a'), 'content');
  await link(join(dir, 'a'), join(dir, 'twin'));
  const { target, container } = await ready();
  const moved = async (ref: string, path: string): Promise<string[]> => {
    const answers = await apply(target, container, [{ op: 'move', token: 'm', ref, to: container, path }]);
    expect(answers.get('m')).toMatchObject({ ref: path });
    return readdir(dir);
  };
  expect(await moved('a', 'a')).toEqual(['a', 'twin']);
  expect(await moved('a', 'twin')).toEqual(['twin']);
});

it('knows which names a file system keeps', () => {
  expect(namesAt(join(dir, 'not', 'yet'))).toEqual({
    nameBytes: 255,
    pathBytes: 4_095 - Buffer.byteLength(join(dir, 'not', 'yet')) - 1,
  });
  expect(namesAt(dir, 'win32')).toMatchObject({ caseless: true, forbidden: expect.stringContaining('?') });
});

it('opens files without waiting for who would write to a pipe', async () => {
  execFileSync('mkfifo', [join(dir, 'f')]);
  const handle = await open(join(dir, 'f'), constants.O_RDONLY | constants.O_NONBLOCK);
  await handle.close();
  const from = source('skip');
  const ref = { key: 'f', version: '1', bytes: 1, rank: 0, meta: { type: 'file' } };
  const stream = from.open({ key: '/', path: [], validity: '1' }, ref, { from: 0, bytes: 1 }, never);
  await expect(all(stream as AsyncIterable<Uint8Array>)).rejects.toMatchObject({ code: 'source-changed' });
});
