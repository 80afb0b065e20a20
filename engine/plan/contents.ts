/** Entries of a tree whose content is read for a plan: all of them in a dry run, else only what links point to. */
import type { Described, Range } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { digestStream } from '../../connectors/kinds/file-digest.js';
import type { FileBody, FileMeta } from '../../connectors/kinds/files.js';
import { emptyBody, LARGE_BYTES } from '../../connectors/kinds/files.js';
import type { PlannedItem } from '../../ledger/planned.js';
import type { Conflict } from '../decide/conflict.js';
import type { Entry } from '../decide/fitting.js';
import type { Copy } from './existing.js';
import { asRow } from './items.js';
import { create, leave, refuse, settle, update } from './judging.js';
import type { Arrived } from './renames.js';
import type { TreePlan } from './tree.js';

/** An entry with where it goes, or where its copy stands. */
export interface WithPath {
  readonly item: Described;
  readonly known: PlannedItem | undefined;
  readonly path: string;
}

/** Conflicts resolved at once: what was read of the source is held until then. */
const CHUNK = 500;

/** A dry run: everything that would be written is read, and so is what stands in its place. */
export async function judgeContents(
  plan: TreePlan,
  fresh: readonly WithPath[],
  edited: readonly WithPath[],
  there: ReadonlyMap<string, Copy>,
  arrived: Arrived[],
): Promise<void> {
  let conflicts: Conflict[] = [];
  const meet = async (conflict: Conflict): Promise<void> => {
    conflicts.push(conflict);
    if (conflicts.length < CHUNK) return;
    await settle(plan, conflicts);
    conflicts = [];
  };
  for await (const { entry } of readEntries(plan, fresh)) {
    const ref = entry.path as string;
    if (there.has(ref)) await meet({ entry, ref, by: 'path' });
    else {
      create(plan, entry);
      arrived.push(entry);
    }
  }
  for await (const { entry, known } of readEntries(plan, edited)) {
    const ref = entry.path as string;
    const { outcome, digest, targetVersion } = known as PlannedItem;
    const same = entry.digest === digest && outcome !== 'conflict' && outcome !== 'missing';
    if (same) {
      plan.counts.unchanged++;
      plan.volume.unchanged += entry.bytes;
    } else if (outcome !== 'conflict' && targetVersion && there.get(ref)?.version === targetVersion)
      update(plan, entry);
    else await meet({ entry, ref, by: 'version' });
  }
  await settle(plan, conflicts);
}

/** Entries but for the links that the source leaves out: what becomes of a link is told when it is read. */
export async function withoutLeft(plan: TreePlan, placed: readonly WithPath[]): Promise<readonly WithPath[]> {
  const links = placed.filter(({ item }) => item.meta.type === 'link');
  if (links.length === 0) return placed;
  const left = new Set(links.map(({ item }) => item.key));
  for await (const { entry } of readEntries(plan, links)) left.delete(entry.item.key);
  return placed.filter(({ item }) => !left.has(item.key));
}

interface ReadEntry {
  readonly entry: Entry;
  readonly known: PlannedItem | undefined;
}

/** What cannot be read is counted and left out. Large files stream by; of small ones only the digest is kept. */
async function* readEntries(plan: TreePlan, placed: readonly WithPath[]): AsyncGenerator<ReadEntry> {
  const { look, container } = plan;
  const { source, signal } = look;
  const isLarge = ({ item }: WithPath): boolean => item.bytes > LARGE_BYTES && !item.unstable;
  const small = placed.filter((one) => !isLarge(one));
  const byKey = new Map(small.map((one) => [one.item.key, one]));
  for (let at = 0; at < small.length; at += CHUNK) {
    const refs = small.slice(at, at + CHUNK).map(({ item }) => item);
    for await (const answer of source.read(container, refs, signal)) {
      if ('refused' in answer) {
        leave(plan, answer);
        continue;
      }
      const one = byKey.get(answer.key) as WithPath;
      const body = { ...(answer.body as FileBody), path: one.path };
      const held = { ...body, bytes: Buffer.alloc(0) };
      yield entryOf(one, held, look.rules.size(body), look.rules.digest(body));
    }
  }
  for (const one of placed) {
    if (!isLarge(one)) continue;
    const read = await readLarge(plan, one);
    if (read) yield read;
  }
}

async function readLarge(plan: TreePlan, one: WithPath): Promise<ReadEntry | undefined> {
  const { look, container } = plan;
  const { item, path } = one;
  const range: Range = { from: 0, bytes: item.bytes };
  try {
    const content = look.source.open?.(container, item, range, look.signal);
    if (!content) throw new Fault('internal', 'the source cannot stream files that are too large to be held');
    const { digest, bytes } = await digestStream(content);
    return entryOf(one, emptyBody(item.meta as FileMeta, path), bytes, digest);
  } catch (error) {
    const code = error instanceof Fault ? error.code : undefined;
    if (code !== 'not-found' && code !== 'source-changed' && code !== 'refused') throw error;
    refuse(plan, item.key, (error as Fault).message);
    return undefined;
  }
}

function entryOf({ item, known, path }: WithPath, body: FileBody, bytes: number, digest: string): ReadEntry {
  return { known, entry: { item: asRow(item, known), body, bytes, digest, notes: [], identities: [], path } };
}
