/**
 * Entries of a tree of files: sorted by what the ledger knows, placed by their names, and judged by what stands under
 * their paths. Without a dry run no content is read: versions and sizes tell, and what they leave open is said.
 */
import type { ItemRef } from '../../connectors/contract.js';
import { refusalOfUnseen } from '../../connectors/kinds/files.js';
import type { PlannedContainer, PlannedItem } from '../../ledger/planned.js';
import { resolveConflict } from '../decide/conflict.js';
import { coversItem } from '../select/selecting.js';
import { filterOf } from '../survey/listing-rules.js';
import { EDITED } from '../write/remove.js';
import type { WithPath } from './contents.js';
import { judgeContents, withoutLeft } from './contents.js';
import type { Copy } from './existing.js';
import { isEdited } from './existing.js';
import { asRow, described, isCopied, sort } from './items.js';
import { apply, create, leave, leaveAgain, update } from './judging.js';
import { placeEntry } from './names.js';
import type { Arrived } from './renames.js';
import type { TreePlan } from './tree.js';

export async function planEntries(
  plan: TreePlan,
  page: readonly ItemRef[],
  row: PlannedContainer | undefined,
): Promise<void> {
  const { look, counts, volume } = plan;
  const covers = coversItem(look.selection);
  const keys = page.map((item) => item.key);
  const known: ReadonlyMap<string, PlannedItem> = row ? await look.planned.items(row.id, keys) : new Map();
  const asked = row !== undefined && row.filter !== filterOf(look);
  const fresh: WithPath[] = [];
  const edited: WithPath[] = [];
  const same: PlannedItem[] = [];
  for (const listed of page) {
    const item = described(listed);
    if (!covers(listed)) {
      const becomes = isCopied(known.get(item.key)) ? 'unchanged' : 'excluded';
      counts[becomes]++;
      volume[becomes] += item.bytes;
      continue;
    }
    const unseen = refusalOfUnseen(item);
    if (unseen) {
      leave(plan, unseen);
      continue;
    }
    const mine = known.get(item.key);
    const sorted = sort(look, item, mine, asked);
    if (sorted === 'new') {
      const placed = placeEntry(plan, item);
      if (placed !== undefined) fresh.push({ item, known: mine, path: placed });
    } else if (sorted === 'edited') edited.push({ item, known: mine, path: mine?.targetRef as string });
    else if (sorted === 'unchanged') same.push(mine as PlannedItem);
    else if (sorted === 'update') counts.update++;
    else leaveAgain(plan, sorted);
  }
  const refs = [...edited.map(({ path }) => path), ...same.map((item) => item.targetRef as string)];
  const there = await plan.existing?.at(
    refs,
    fresh.map(({ path }) => path),
  );
  countUnchanged(plan, same, there);
  const arrived: Arrived[] = [];
  if (look.dryRun) await judgeContents(plan, fresh, edited, there ?? new Map(), arrived);
  else {
    for (const placed of await withoutLeft(plan, fresh)) judgeFresh(plan, placed, there?.get(placed.path), arrived);
    for (const placed of edited) judgeEdited(plan, placed, there);
  }
  await plan.renames?.arrive(arrived);
}

/** Items that left the source, under the rules of remove.ts: what was edited in the target stays. */
export async function judgeGoneEntries(
  plan: TreePlan,
  row: PlannedContainer,
  gone: readonly PlannedItem[],
): Promise<void> {
  const { look, counts, volume } = plan;
  const there = await plan.existing?.at(
    gone.map((item) => item.targetRef as string),
    [],
  );
  for (const item of gone) {
    const copy = there?.get(item.targetRef as string);
    // Deleted on both sides.
    if (there && !copy) continue;
    if (copy && isEdited(item, copy)) {
      counts.skip++;
      look.remarks.note(plan.said, EDITED.reason, 1, 'skip');
      continue;
    }
    counts.remove++;
    volume.remove += item.bytes;
    look.deletions?.add(look, row, item);
  }
}

function countUnchanged(
  { counts, volume }: TreePlan,
  same: readonly PlannedItem[],
  there: ReadonlyMap<string, Copy> | undefined,
): void {
  for (const item of same) {
    counts.unchanged++;
    volume.unchanged += item.bytes;
    const copy = there?.get(item.targetRef as string);
    if (there && (!copy || isEdited(item, copy))) counts.changedThere++;
  }
}

/** A new entry: nothing stands at its path, or something that only its content tells apart, or another. */
function judgeFresh(plan: TreePlan, { item, known, path }: WithPath, copy: Copy | undefined, arrived: Arrived[]): void {
  const { counts, volume } = plan;
  if (!copy) {
    create(plan, { bytes: item.bytes, notes: [] });
    arrived.push({ item, bytes: item.bytes });
  } else if (path.endsWith('/')) counts.adopt++;
  else if (copy.bytes === item.bytes || plan.look.selection.onConflict === 'newest') {
    counts.compare++;
    volume.compare += item.bytes;
    arrived.push({ item, bytes: item.bytes, at: path });
  } else judgeUnread(plan, { item, known, path }, copy, 'path');
}

/** Another version in the source is not yet another content: what a run finds to be the same it does not write. */
function judgeEdited(plan: TreePlan, placed: WithPath, there: ReadonlyMap<string, Copy> | undefined): void {
  const { item, known, path } = placed;
  const copy = there?.get(path);
  const isOurs = copy && known && known.outcome !== 'conflict' && !isEdited(known, copy);
  if (!there || isOurs) update(plan, { bytes: item.bytes, notes: [] });
  else if (copy && plan.look.selection.onConflict === 'newest') {
    plan.counts.compare++;
    plan.volume.compare += item.bytes;
  } else judgeUnread(plan, placed, copy, 'version');
}

/** By the run's own rules, with contents that are known to differ. */
function judgeUnread(plan: TreePlan, { item, known, path }: WithPath, copy: Copy | undefined, by: 'path' | 'version') {
  const entry = {
    item: asRow(item, known),
    body: undefined,
    bytes: item.bytes,
    digest: 'in the source',
    notes: [],
    identities: [],
    path,
  };
  const conflict = { entry, ref: path, by };
  const there = copy && { ref: path, digest: 'in the target', bytes: copy.bytes, meta: {} };
  apply(plan, conflict, resolveConflict(plan.look, conflict, there));
}
