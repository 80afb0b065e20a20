/** Changes of a target's tree, each whole or not at all. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, rename, rmdir, symlink, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Write, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody } from '../files.js';
import { foldersAbove } from '../files.js';
import { errnoOf, faultOf, ifThere, inside, linked, syncFolder } from '../local-files.js';
import { locationOf, statsAt } from './copies.js';
import { UPLOADS } from './tree.js';

/** Throws the faults that concern more than this write. */
export async function applyWrite(root: string, write: Write<FileBody>): Promise<WriteAnswer> {
  try {
    return await applied(root, write);
  } catch (error) {
    const fault = faultOf(error, `writing ${'ref' in write ? write.ref : write.body.path}`);
    if (!(fault instanceof Fault) || fault.code !== 'refused') throw fault;
    return {
      refused: write.token,
      reason: fault.next === undefined ? fault.message : `${fault.message}; ${fault.next}`,
    };
  }
}

async function applied(root: string, write: Write<FileBody>): Promise<WriteAnswer> {
  const { token } = write;
  switch (write.op) {
    case 'create':
      return write.body.type === 'folder' ? makeFolder(root, token, write.body) : create(root, token, write.body);
    case 'update':
      return update(root, token, write.ref, write.version, write.body);
    case 'move':
      return move(root, token, write.ref, write.path ?? write.ref, write.version);
    case 'remove':
      return remove(root, token, write.ref, write.version);
    case 'meta':
      return { refused: token, reason: 'files have no flags' };
    default:
      return write satisfies never;
  }
}

async function makeFolder(root: string, token: string, { path }: FileBody): Promise<WriteAnswer> {
  await makeParents(root, path);
  const at = await locationOf(root, path);
  try {
    await mkdir(at);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if (!(await lstat(at)).isDirectory()) return taken(token, path.slice(0, -1));
  }
  return { token, ref: path, version: '' };
}

async function create(root: string, token: string, body: FileBody): Promise<WriteAnswer> {
  const at = await locationOf(root, body.path);
  await makeParents(root, body.path);
  const aside = await writeAside(root, body);
  try {
    return (await putNew(aside, at)) ? await written(root, token, body.path) : taken(token, body.path);
  } finally {
    await ifThere(unlink(aside));
  }
}

async function update(
  root: string,
  token: string,
  ref: string,
  version: string | undefined,
  body: FileBody,
): Promise<WriteAnswer> {
  const standing = await statsAt(root, ref);
  if (!standing || (version !== undefined && standing.version !== version)) return another(token, ref);
  const aside = await writeAside(root, body);
  try {
    // As late as can be: the file system has no rename on condition.
    if ((await statsAt(root, ref))?.version !== standing.version) return another(token, ref);
    await putOver(aside, standing.at);
  } finally {
    await ifThere(unlink(aside));
  }
  return written(root, token, ref);
}

async function move(
  root: string,
  token: string,
  ref: string,
  path: string,
  version: string | undefined,
): Promise<WriteAnswer> {
  const standing = await statsAt(root, ref);
  if (!standing || (version !== undefined && standing.version !== version)) return another(token, ref);
  await makeParents(root, path);
  const to = await locationOf(root, path);
  const how = await linked(standing.at, to);
  if (how === 'taken') return taken(token, path);
  if (how === 'linked') await unlink(standing.at);
  await syncFolder(dirname(to));
  return written(root, token, path);
}

async function remove(root: string, token: string, ref: string, version: string | undefined): Promise<WriteAnswer> {
  const standing = await statsAt(root, ref);
  if (!standing) return { token };
  if (ref.endsWith('/')) {
    try {
      await rmdir(standing.at);
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
      return { conflicted: token, ref, reason: 'the folder is not empty: somebody keeps other files there' };
    }
    return { token };
  }
  // An empty version: the copy was gone when it was looked at.
  if (version !== undefined && standing.version !== version) return another(token, ref);
  await unlink(standing.at);
  return { token };
}

/** Names what stands aside, unless the name is taken: then false. */
export async function putNew(aside: string, at: string): Promise<boolean> {
  if ((await linked(aside, at)) === 'taken') return false;
  await syncFolder(dirname(at));
  return true;
}

export async function putOver(aside: string, at: string): Promise<void> {
  await rename(aside, at);
  await syncFolder(dirname(at));
}

/** The folders above a path, made where they are missing. */
export async function makeParents(root: string, path: string): Promise<void> {
  for (const folder of foldersAbove(path)) {
    const at = await locationOf(root, folder);
    try {
      await mkdir(at);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if ((await lstat(at)).isDirectory()) continue;
      throw new Fault('refused', `${folder} in the target is no folder`, { next: 'move what stands there aside' });
    }
  }
}

/** The place of what is not whole yet: on the same file system, so that it can be named later. */
export async function uploadsIn(root: string): Promise<string> {
  const at = await inside(root, [UPLOADS]);
  await mkdir(at, { mode: 0o700, recursive: true });
  return at;
}

/** Writes a body durably under a name of its own. */
async function writeAside(root: string, body: FileBody): Promise<string> {
  const at = join(await uploadsIn(root), `${randomUUID()}.tmp`);
  if (body.type === 'link') {
    await symlink(body.bytes.toString(), at);
    return at;
  }
  const file = await open(at, 'wx', 0o666);
  try {
    await file.writeFile(body.bytes);
    await keepDate(at, body.modified);
    await file.datasync();
    return at;
  } catch (error) {
    await ifThere(unlink(at));
    throw error;
  } finally {
    await file.close();
  }
}

export async function keepDate(at: string, modified: unknown): Promise<void> {
  const time = typeof modified === 'string' ? Date.parse(modified) : Number.NaN;
  if (!Number.isNaN(time)) await utimes(at, new Date(), new Date(time));
}

export async function written(root: string, token: string, ref: string): Promise<WriteAnswer> {
  const standing = await statsAt(root, ref);
  return { token, ref, ...(standing && { version: standing.version }) };
}

export function taken(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'something else stands there' };
}

export function another(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'another version stands there, or nothing' };
}
