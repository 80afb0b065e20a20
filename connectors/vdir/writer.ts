/** A batch of writes: contents first, all made durable together; then names, and the folder once. */
import { createHash } from 'node:crypto';
import { link, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TargetContainer, Write, WriteAnswer } from '../contract.js';
import type { KindRules } from '../kinds.js';
import { faultOf, ifThere, syncFolder } from '../local-files.js';
import { atOnce, itemFile } from './item-files.js';
import { nameNew, writeAside } from './writing.js';

export interface Folder {
  readonly folder: string;
  readonly suffix: string;
  readonly rules: KindRules<Buffer>;
  /** The folder of another container. */
  to(container: TargetContainer): Promise<string>;
}

interface Aside {
  readonly path: string;
  readonly version: string;
}

/** Answers what was done before a failure, too: those items are in their places. */
export async function applyAll(
  at: Folder,
  writes: readonly Write<Buffer>[],
  check: () => void,
): Promise<{ readonly answers: readonly WriteAnswer[]; readonly failure: unknown }> {
  const answers: WriteAnswer[] = [];
  const asides = new Map<Write<Buffer>, Aside>();
  let failure: unknown;
  try {
    check();
    await atOnce(
      writes.filter((write) => write.op === 'create' || write.op === 'update'),
      async (write) => {
        if ('body' in write) asides.set(write, await writeAside(at.folder, write.body));
      },
    );
    for (const write of writes) {
      check();
      answers.push(await apply(at, write, asides));
    }
  } catch (error) {
    failure = faultOf(error, `writing to ${at.folder}`);
  }
  for (const { path } of asides.values()) await ifThere(unlink(path));
  if (answers.length > 0) await syncFolder(at.folder);
  return { answers, failure };
}

async function apply(
  at: Folder,
  write: Write<Buffer>,
  asides: ReadonlyMap<Write<Buffer>, Aside>,
): Promise<WriteAnswer> {
  const { token } = write;
  switch (write.op) {
    case 'create': {
      const { path, version } = asides.get(write) as Aside;
      const ref = nameFor(at, write.body);
      return (await nameNew(path, join(at.folder, ref)))
        ? { token, ref, version }
        : { conflicted: token, ref, reason: 'there is a file for this UID already' };
    }
    case 'update': {
      const { path, version } = asides.get(write) as Aside;
      // No file system compares and swaps: another program that writes in this very moment is overwritten.
      const now = await itemFile(at.folder, write.ref);
      if (!now || (write.version !== undefined && now.version !== write.version)) {
        return { conflicted: token, ref: write.ref, reason: 'the file was changed, or is gone' };
      }
      await rename(path, join(at.folder, write.ref));
      return { token, ref: write.ref, version };
    }
    case 'remove': {
      const now = await itemFile(at.folder, write.ref);
      if (now && write.version !== undefined && now.version !== write.version) {
        return { conflicted: token, ref: write.ref, reason: 'the file was changed' };
      }
      await ifThere(unlink(join(at.folder, write.ref)));
      return { token };
    }
    case 'move': {
      const to = await at.to(write.to);
      try {
        await link(join(at.folder, write.ref), join(to, write.ref));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EEXIST' && code !== 'ENOENT') throw error;
        return { refused: token, reason: 'the file is gone, or one of its name is there already' };
      }
      await syncFolder(to);
      await unlink(join(at.folder, write.ref));
      const moved = await itemFile(to, write.ref);
      return { token, ref: write.ref, ...(moved && { version: moved.version }) };
    }
    case 'meta':
      return { refused: token, reason: 'items here have no metadata beside their content' };
    default:
      return write satisfies never;
  }
}

const MAX_STEM = 120;

/** The UID where it makes a plain file name, else a hash of it; the same each time. */
function nameFor({ rules, suffix }: Folder, body: Buffer): string {
  const uid = rules.versioned?.identities(body, ['uid'])[0]?.slice('uid:'.length) ?? rules.digest(body);
  const plain = /^[A-Za-z0-9_@-][A-Za-z0-9_.@-]*$/.test(uid) && uid.length <= MAX_STEM;
  return `${plain ? uid : createHash('sha256').update(uid).digest('hex').slice(0, 40)}${suffix}`;
}
