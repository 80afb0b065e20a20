/** Verify: reads back what arrived and keeps the proof; then looks for copies nobody asked for. */
import type { Target, TargetRef } from '../connectors/contract.js';
import { isDigestOf } from '../connectors/kinds/digest-version.js';
import { BLOCK_BYTES } from '../connectors/kinds/files.js';
import type { ContainerRow } from '../ledger/containers.js';
import { containersToDo } from '../ledger/containers.js';
import type { ItemRow } from '../ledger/items.js';
import { nextItems } from '../ledger/items.js';
import { renewLinks } from '../ledger/links.js';
import { metaNotes } from './decide/flags.js';
import { sourceNotesIn } from './decide/source-notes.js';
import { inLanes, withLanes } from './session/lanes.js';
import { serialized } from './session/serialized.js';
import { acquire, largestBatch } from './slice/rate-limit.js';
import type { Slice, WorkResult } from './slice/slice.js';
import { noteContainer } from './slice/tally.js';
import { rememberRoot } from './survey/still-there.js';
import { refuseVoided } from './survey/voided.js';
import type { Bound } from './write/bind.js';
import { scanContainer } from './write/bind.js';
import { readEach } from './write/each-alone.js';
import { nameLateCopies } from './write/late.js';
import { bindOrRefuse } from './write/refuse-container.js';
import type { Result } from './write/results.js';
import { commit, reasonOf } from './write/results.js';
import { HIDDEN, unshown } from './write/shown.js';

const PAGE = 500;
/** What is read back between two commits: after a crash so much is read again. */
const PAGE_BYTES = 256 * 1024 * 1024;

export async function verify(slice: Slice): Promise<WorkResult> {
  const { deps } = slice;
  const rows = (await containersToDo(deps.ledger, slice)).filter((row) => row.todo.includes('verify'));
  // Files are all in one container: its pages are shared out instead.
  const shares =
    slice.rules.place === 'path' ? rows.flatMap((row) => Array<ContainerRow>(slice.lanes()).fill(row)) : rows;
  const pages = createPages(slice);
  const all = await withLanes(Math.min(slice.lanes(), shares.length) - 1, slice.lane, (further) =>
    inLanes([slice.target, ...further], shares, slice.ending, (session, row) =>
      verifyContainer(slice, session, row, pages(row)),
    ),
  );
  if (!all || slice.ending()) return 'more';
  await nameLateCopies(slice);
  await refuseVoided(slice);
  await rememberRoot(slice);
  return 'done';
}

type Pages = () => Promise<readonly ItemRow[]>;

/** The pages of a container's items, each handed out once, whoever asks. */
function createPages(slice: Slice): (row: ContainerRow) => Pages {
  const open = new Map<number, Pages>();
  return ({ id }) => {
    let after: ItemRow | undefined;
    const turn = serialized();
    const next = async (): Promise<readonly ItemRow[]> => {
      const most = largestBatch(slice, 'target', { items: PAGE, bytes: PAGE_BYTES });
      const page = await nextItems(slice.deps.ledger.pool, id, 'verify', after, most.items);
      const items = withinBytes(page, slice.selection.verify === 'size' ? Number.POSITIVE_INFINITY : most.bytes);
      after = items.at(-1) ?? after;
      return items;
    };
    const pages = open.get(id) ?? (() => turn(next));
    open.set(id, pages);
    return pages;
  };
}

function withinBytes(items: readonly ItemRow[], most: number): readonly ItemRow[] {
  let bytes = 0;
  const fits = items.filter((item) => {
    bytes += item.bytes;
    return bytes <= most;
  });
  return fits.length > 0 ? fits : items.slice(0, 1);
}

async function verifyContainer(slice: Slice, session: Target<unknown>, row: ContainerRow, pages: Pages): Promise<void> {
  const bound = await bindOrRefuse(slice, session, row, 'verify');
  if (!bound) return;
  for (;;) {
    if (slice.ending()) return;
    const items = await pages();
    if (items.length === 0) break;
    noteContainer(slice.tally, row.path, slice.rules.place === 'path' ? items[0]?.key : undefined);
    const bytes = slice.selection.verify === 'size' ? 0 : items.reduce((sum, item) => sum + item.bytes, 0);
    if (!(await acquire(slice, 'target', items.length, bytes))) return;
    await verifyPage(slice, session, bound, items);
  }
  // Under a path stands one thing only: there are no duplicates to look for.
  if (slice.rules.place === 'path') return;
  await scanContainer(slice, session, bound);
}

async function verifyPage(
  slice: Slice,
  session: Target<unknown>,
  bound: Bound,
  items: readonly ItemRow[],
): Promise<void> {
  const results = await seen(slice, session, bound, items, await compare(slice, session, bound, items));
  await commit(slice, { container: bound.id, bound }, results, async (sql) => {
    // The other direction knows the copies by the versions that were read.
    if (slice.other !== undefined) await renewLinks(sql, slice.other, bound.targetKey, versionsRead(items, results));
  });
  slice.tally.bytes += items.reduce((sum, item) => sum + item.bytes, 0);
}

function versionsRead(
  items: readonly ItemRow[],
  results: readonly Result[],
): { readonly ref: string; readonly version: string }[] {
  const refs = new Map(items.map((item) => [item.key, item.targetRef as string]));
  return results.flatMap(({ key, version }) =>
    version === undefined ? [] : [{ ref: refs.get(key) as string, version }],
  );
}

/** What is proven and not listed is not where people look. */
async function seen(
  slice: Slice,
  session: Target<unknown>,
  bound: Bound,
  items: readonly ItemRow[],
  results: readonly Result[],
): Promise<readonly Result[]> {
  const refs = new Map(items.map((item) => [item.key, item.targetRef as string]));
  const proven = results.filter(({ outcome }) => outcome === 'verified').map(({ key }) => refs.get(key) as string);
  const hidden = await unshown(slice, session, bound.target, proven);
  if (hidden.size === 0) return results;
  return results.map((result) =>
    result.outcome === 'verified' && hidden.has(refs.get(result.key) as string)
      ? { key: result.key, todo: null, outcome: 'missing', reason: HIDDEN }
      : result,
  );
}

/** Of what the source renders anew at each reading the copy is that of one rendering: no proof says more than that. */
function proofOf({ unstable }: ItemRow, by: 'readback' | 'size' | 'checksum'): string {
  return unstable ? `rendering-${by}` : by;
}

/** By the evidence that the spec asks for; what the target cannot tell that way is read back. */
async function compare(
  slice: Slice,
  session: Target<unknown>,
  bound: Bound,
  items: readonly ItemRow[],
): Promise<Result[]> {
  const { verify: evidence } = slice.selection;
  if (evidence === 'size' && session.sizes) return compareSizes(slice, session, bound, items);
  if (evidence === 'checksum' && session.checksums) return compareChecksums(slice, session, bound, items);
  return compareContent(slice, session, bound, items);
}

async function compareContent(
  slice: Slice,
  session: Target<unknown>,
  bound: Bound,
  items: readonly ItemRow[],
): Promise<Result[]> {
  const there = new Map<string, TargetRef>();
  const refs = items.map((item) => item.targetRef as string).sort();
  const hidden = new Map<string, string>();
  for await (const ref of readEach(session, bound.target, refs, hidden, slice.signal)) there.set(ref.ref, ref);
  return items.map((item): Result => {
    const copy = there.get(item.targetRef as string);
    const unread = hidden.get(item.targetRef as string);
    if (unread !== undefined) return { key: item.key, todo: null, outcome: 'unsure', reason: unread };
    if (!copy) return missing(item);
    if (!isDigestOf(slice.rules, copy, item.digest)) {
      if (slice.other !== undefined && item.targetVersion && copy.version !== item.targetVersion)
        return editedSince(item);
      const reason = `the copy in the target differs: ${copy.bytes} bytes there, ${item.bytes} in the source`;
      return { key: item.key, todo: null, outcome: 'altered', proof: 'readback', reason };
    }
    // What was lost on the way in stays said.
    const unkept = metaNotes(item.meta, copy.meta);
    return {
      key: item.key,
      todo: null,
      outcome: 'verified',
      proof: proofOf(item, 'readback'),
      ...reasonOf([...staying(slice, item), ...(unkept === undefined ? [] : [unkept])]),
      // One of an earlier version is computed anew.
      ...(copy.digest !== item.digest && { digest: copy.digest }),
      ...(copy.version !== undefined && { version: copy.version }),
    };
  });
}

/**
 * Sizes prove only where they agree. Systems count line ends differently, so what differs in size alone is read back:
 * its content decides.
 */
async function compareSizes(
  slice: Slice,
  session: Target<unknown>,
  bound: Bound,
  items: readonly ItemRow[],
): Promise<Result[]> {
  const sizes = new Map<string, number>();
  const versions = new Map<string, string>();
  const refs = items.map((item) => item.targetRef as string).sort();
  for await (const { ref, bytes, version } of session.sizes?.(bound.target, refs, slice.signal) ?? []) {
    sizes.set(ref, bytes);
    if (version !== undefined) versions.set(ref, version);
  }
  const differing = items.filter((item) => sizes.get(item.targetRef as string) !== item.bytes);
  const equal = items.filter((item) => sizes.get(item.targetRef as string) === item.bytes);
  return [
    ...equal.map(
      (item): Result => ({
        key: item.key,
        todo: null,
        outcome: 'verified',
        proof: proofOf(item, 'size'),
        // Where the write did not tell it: edits in later runs rest on it.
        ...(item.targetVersion ? {} : versionIn(versions, item)),
        ...reasonOf(staying(slice, item)),
      }),
    ),
    ...(differing.length > 0 ? await compareContent(slice, session, bound, differing) : []),
  ];
}

/** Of mail, what the target did not keep is seen in the copy, each time anew; of other kinds it is only known from before. */
function staying({ rules }: Slice, { reason }: ItemRow): string[] {
  if (rules.edits === 'content') return reason ? [reason] : [];
  return sourceNotesIn(reason);
}

function versionIn(versions: ReadonlyMap<string, string>, { targetRef }: ItemRow): { version?: string } {
  const version = versions.get(targetRef as string);
  return version === undefined ? {} : { version };
}

/** The target's own checksum of what it stores. A digest is one of blocks for files of more than one: those are read. */
async function compareChecksums(
  slice: Slice,
  session: Target<unknown>,
  bound: Bound,
  items: readonly ItemRow[],
): Promise<Result[]> {
  const asked = items.filter((item) => wholeDigest(item) !== undefined);
  const told = new Map<string, string>();
  const refs = asked.map((item) => item.targetRef as string).sort();
  for await (const { ref, sha256 } of session.checksums?.(bound.target, refs, slice.signal) ?? [])
    told.set(ref, sha256);
  const equal = asked.filter((item) => told.get(item.targetRef as string) === wholeDigest(item));
  const proven = new Set(equal.map((item) => item.key));
  const rest = items.filter((item) => !proven.has(item.key));
  return [
    ...equal.map(
      (item): Result => ({
        key: item.key,
        todo: null,
        outcome: 'verified',
        proof: proofOf(item, 'checksum'),
        ...(item.reason ? { reason: item.reason } : {}),
      }),
    ),
    // A checksum that differs is looked at once more: the content decides.
    ...(rest.length > 0 ? await compareContent(slice, session, bound, rest) : []),
  ];
}

/** SHA-256 of the whole file, where that is known. */
function wholeDigest({ digest, bytes, base, meta }: ItemRow): string | undefined {
  if (typeof base?.sha256 === 'string') return base.sha256;
  return meta.type === 'file' && bytes <= BLOCK_BYTES ? (digest ?? undefined) : undefined;
}

function missing(item: ItemRow): Result {
  return { key: item.key, todo: null, outcome: 'missing', reason: 'it was written, but is not in the target any more' };
}

/** Somebody edited the copy after we wrote it: going both ways, the next run carries that back. */
function editedSince({ key, targetRef }: ItemRow): Result {
  const reason = 'edited in the target since it was written';
  return { key, todo: null, outcome: 'linked', reason, reverse: { ref: targetRef as string, what: 'update' } };
}
