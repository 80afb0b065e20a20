/** Writes in chunks: an item is durable before it has its name, the names of a chunk by one sync; then they are answered. */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TargetContainer, Write, WriteAnswer } from '../contract.js';
import { atOnce, isItem, itemFile } from '../local/item-files.js';
import { errnoOf, faultOf, ifThere, linked, syncFolder } from '../local/local-files.js';
import type { ItemNames } from './item-names.js';
import { nameNew, replace, writeStaged } from './writing.js';

/** Writes whose names are made durable together. */
const CHUNK = 64;

export interface WriterDeps {
  readonly folder: string;
  readonly names: ItemNames;
  /** The folder of another container. */
  readonly folderOf: (to: TargetContainer) => Promise<string>;
  /** Throws when the session has ended or the signal has fired. */
  readonly check: () => void;
}

/** Answers what was done before a failure, too: those items are in their places. */
export async function* applied(deps: WriterDeps, writes: readonly Write<Buffer>[]): AsyncGenerator<WriteAnswer> {
  const doing = `writing to ${deps.folder}`;
  try {
    deps.check();
    await deps.names.refresh();
  } catch (error) {
    throw faultOf(error, doing);
  }
  for (let at = 0; at < writes.length; at += CHUNK) {
    deps.check();
    const { answers, failures } = await chunkOf(deps, writes.slice(at, at + CHUNK)).catch((error: unknown) => {
      throw faultOf(error, doing);
    });
    yield* answers;
    if (failures.length > 0) throw faultOf(failures[0], doing);
  }
}

async function chunkOf(
  deps: WriterDeps,
  writes: readonly Write<Buffer>[],
): Promise<{ readonly answers: readonly WriteAnswer[]; readonly failures: readonly unknown[] }> {
  const failures: unknown[] = [];
  const results = await atOnce(writes, async (write) => {
    try {
      return await apply(deps, write);
    } catch (error) {
      failures.push(error);
      return undefined;
    }
  });
  // Even when nothing was answered: names that are there must be there after a power cut, too.
  await syncFolder(deps.folder);
  return { answers: results.flatMap((answer) => answer ?? []), failures };
}

function apply(deps: WriterDeps, write: Write<Buffer>): Promise<WriteAnswer> {
  switch (write.op) {
    case 'create':
      return create(deps, write);
    case 'update':
      return update(deps, write);
    case 'remove':
      return remove(deps, write);
    case 'move':
      return move(deps, write);
    case 'meta':
      return Promise.resolve({ refused: write.token, reason: 'items have no metadata beside their content here' });
    default:
      return write satisfies never;
  }
}

async function create(
  { folder, names }: WriterDeps,
  { token, body }: Write<Buffer> & { op: 'create' },
): Promise<WriteAnswer> {
  const name = names.nameFor(body);
  if ('taken' in name)
    return { conflicted: token, ref: name.taken, reason: 'the folder holds an item with this UID already' };
  let named = false;
  try {
    const staged = await writeStaged(folder, body);
    named = await nameNew(staged, join(folder, name.free));
    if (named) return { token, ref: name.free, version: staged.version };
  } finally {
    if (!named) names.forget(name.free);
  }
  return { conflicted: token, ref: name.free, reason: 'another program has just made a file of this name' };
}

async function update(
  { folder, names }: WriterDeps,
  { token, ref, version, body }: Write<Buffer> & { op: 'update' },
): Promise<WriteAnswer> {
  const staged = await writeStaged(folder, body);
  // No file system compares and swaps: what another program writes in this very moment is overwritten.
  const now = itemIn(ref) && (await itemFile(folder, ref));
  if (!now || (version !== undefined && now.version !== version)) {
    await unlink(staged.path);
    return { conflicted: token, ref, reason: now ? 'the file was changed meanwhile' : 'the file is gone' };
  }
  await replace(staged, join(folder, ref));
  names.replaced(ref, body);
  return { token, ref, version: staged.version };
}

async function remove(
  { folder, names }: WriterDeps,
  { token, ref, version }: Write<Buffer> & { op: 'remove' },
): Promise<WriteAnswer> {
  const now = itemIn(ref) && (await itemFile(folder, ref));
  if (!now) return { token };
  if (version !== undefined && now.version !== version)
    return { conflicted: token, ref, reason: 'the file was changed meanwhile' };
  await ifThere(unlink(join(folder, ref)));
  names.forget(ref);
  return { token };
}

async function move(
  { folder, names, folderOf }: WriterDeps,
  { token, ref, to }: Write<Buffer> & { op: 'move' },
): Promise<WriteAnswer> {
  const other = await folderOf(to);
  const how = itemIn(ref) ? await linked(join(folder, ref), join(other, ref)).catch(absent) : 'absent';
  if (how === 'absent' || how === 'taken')
    return {
      refused: token,
      reason: `the file is gone, or ${to.path.join('/')} has one of its name; the next run will see that`,
    };
  await syncFolder(other);
  if (how === 'linked') await unlink(join(folder, ref));
  names.forget(ref);
  const moved = await itemFile(other, ref);
  return { token, ref, ...(moved && { version: moved.version }) };
}

/** References come from the ledger; none may lead out of the folder. */
function itemIn(ref: string): boolean {
  return !ref.includes('/') && (isItem(ref, '.ics') || isItem(ref, '.vcf'));
}

function absent(error: unknown): 'absent' {
  if (errnoOf(error) === 'ENOENT') return 'absent';
  throw error;
}
