/** Items of one listed page: sorted by what the ledger knows, then read and judged where that is not enough. */

import type { Described, ItemRef } from '../../connectors/contract.js';
import { bringsName } from '../../connectors/kinds/traits.js';
import type { ItemRow } from '../../ledger/items.js';
import type { PlannedContainer, PlannedItem } from '../../ledger/planned.js';
import type { Selection } from '../../schemas/spec.js';
import type { Entry } from '../decide/fitting.js';
import { fitItem } from '../decide/fitting.js';
import { coversItem } from '../select/selecting.js';
import { filterOf } from '../survey/listing-rules.js';
import type { ContainerPlan } from './judging.js';
import { judgeEdits, judgeNew, leave, leaveAgain, refuse } from './judging.js';
import type { Look } from './look.js';

/** Whether new items are compared with what the target holds: for mail that would read every message there. */
export function looksAtTarget({ rules, dryRun }: Look): boolean {
  return bringsName(rules) || dryRun;
}

/** What is to become of a listed item, as far as its listing and the ledger tell. */
export type Sorted = 'new' | 'edited' | 'update' | 'unchanged' | 'skip' | 'refuse';

export async function planItems(
  plan: ContainerPlan,
  listed: readonly ItemRef[],
  row: PlannedContainer | undefined,
): Promise<void> {
  const { look, counts } = plan;
  const page = row ? await look.planned.told(row.id, listed) : listed;
  const covers = coversItem(look.selection);
  const covered = page.filter(covers);
  const keys = page.map((item) => item.key);
  const known: ReadonlyMap<string, PlannedItem> = row ? await look.planned.items(row.id, keys) : new Map();
  for (const item of page) if (!covers(item)) counts[isCopied(known.get(item.key)) ? 'unchanged' : 'excluded']++;
  if (covered.length === 0) return;
  const asked = row !== undefined && row.filter !== filterOf(look);
  const created: ItemRef[] = [];
  const edited: ItemRef[] = [];
  const same: PlannedItem[] = [];
  for (const item of covered) {
    if (look.reverse && look.handled.has(plan.container.key, item.key)) continue;
    const mine = known.get(item.key);
    const sorted = sort(look, item, mine, asked);
    if (sorted === 'new') created.push(item);
    else if (sorted === 'edited') edited.push(item);
    else if (sorted === 'unchanged') same.push(mine as PlannedItem);
    else if (sorted === 'update') counts.update++;
    else leaveAgain(plan, sorted);
  }
  await countUnchanged(plan, same);
  if (!looksAtTarget(look)) {
    for (const item of await toldEnough(plan, created)) {
      counts.create++;
      counts.bytes += item.bytes ?? 0;
      look.arrivals?.add({ plan, bytes: item.bytes ?? 0, content: { item } });
    }
    return;
  }
  await readItems(plan, created, known, (entries) => judgeNew(plan, entries));
  await readItems(plan, edited, known, (entries) =>
    judgeEdits(
      plan,
      entries.map((entry) => ({ entry, known: known.get(entry.item.key) as PlannedItem })),
    ),
  );
}

/** As the survey would write it down (ledger/items.ts). `asked`: what an earlier spec left out is decided anew. */
export function sort({ rules }: Look, item: ItemRef, known: PlannedItem | undefined, asked: boolean): Sorted {
  if (!known) return 'new';
  const content = rules.edits === 'content';
  const { todo, outcome, targetRef } = known;
  const another = known.version !== item.version || known.gone;
  if (targetRef !== null) {
    if (content) return another || todo === 'update' || outcome === 'conflict' ? 'edited' : 'unchanged';
    return another || todo === 'meta' ? 'update' : 'unchanged';
  }
  if (todo === 'create' || outcome === null || outcome === 'conflict') return 'new';
  if (another && content) return 'new';
  if (asked && content && (outcome === 'skipped' || outcome === 'refused')) return 'new';
  return outcome === 'skipped' ? 'skip' : 'refuse';
}

/** What was moved under a wider filter stays in the target, and counts as what it is. */
export const isCopied = (known: PlannedItem | undefined): boolean => (known?.targetRef ?? null) !== null;

/** An item counts once: going both ways, in the direction it first came from, and where it changed. */
async function countUnchanged({ look, at, counts }: ContainerPlan, same: readonly PlannedItem[]): Promise<void> {
  if (same.length === 0) return;
  const versions = look.rules.edits === 'content' ? await at.versions() : undefined;
  for (const { outcome, targetRef, targetVersion } of same) {
    const changedThere = versions && targetVersion && versions.get(targetRef as string) !== targetVersion;
    if (changedThere && look.other !== undefined) continue;
    if (changedThere) counts.changedThere++;
    if (outcome !== 'linked') counts.unchanged++;
  }
}

/** What filters ask for and the source tells only with the content is read, so that the plan leaves out what the run will. */
async function toldEnough({ look, counts, container }: ContainerPlan, items: readonly ItemRef[]): Promise<ItemRef[]> {
  const covers = coversItem(look.selection);
  const isUntold = ({ bytes, meta }: ItemRef): boolean => bytes === undefined || meta === undefined;
  const untold = asksBeyondFolders(look.selection) ? items.filter(isUntold) : [];
  if (untold.length === 0) return [...items];
  const told = new Map(untold.map((item) => [item.key, item]));
  for await (const read of look.source.read(container, untold, look.signal)) {
    // What cannot be had counts as to be created: the run names it.
    if ('refused' in read) continue;
    const item = told.get(read.key);
    if (!item) continue;
    const bytes = item.bytes ?? look.rules.size(read.body);
    told.set(read.key, { ...item, bytes, meta: item.meta ?? read.meta ?? {} });
  }
  const all = items.map((item) => told.get(item.key) ?? item);
  const covered = all.filter(covers);
  counts.excluded += all.length - covered.length;
  return covered;
}

function asksBeyondFolders({ include, exclude }: Selection): boolean {
  return [include, exclude].some((filter) =>
    (['since', 'before', 'larger', 'smaller', 'olderThan', 'newerThan'] as const).some(
      (key) => filter?.[key] !== undefined,
    ),
  );
}

/** Reads items in chunks as large as a batch of the move, fits them to the target, and hands them on. */
async function readItems(
  plan: ContainerPlan,
  items: readonly ItemRef[],
  known: ReadonlyMap<string, PlannedItem>,
  judge: (entries: readonly Entry[]) => Promise<void>,
): Promise<void> {
  if (items.length === 0) return;
  const { look, counts, container } = plan;
  const { batchItems, batchBytes } = look.deps.settings;
  const covers = coversItem(look.selection);
  const refs = new Map(items.map((item) => [item.key, item]));
  let entries: Entry[] = [];
  let bytes = 0;
  for await (const read of look.source.read(container, items, look.signal)) {
    if ('refused' in read) {
      leave(plan, read);
      continue;
    }
    const ref = refs.get(read.key) as ItemRef;
    const item = { ...ref, bytes: ref.bytes ?? look.rules.size(read.body), meta: ref.meta ?? read.meta ?? {} };
    if (!covers(item)) {
      counts.excluded++;
      continue;
    }
    const fitting = fitItem(look, asRow(item, known.get(read.key)), read.body, read.notes);
    if ('settled' in fitting) {
      const { outcome, reason = '' } = fitting.settled;
      if (outcome === 'refused') refuse(plan, read.key, reason);
      else {
        counts.skip++;
        look.remarks.note(plan.said, reason, 1, 'skip');
      }
    } else if ('entry' in fitting) {
      entries.push(fitting.entry);
      bytes += fitting.entry.bytes;
    }
    if (entries.length < batchItems && bytes < batchBytes) continue;
    await judge(entries);
    entries = [];
    bytes = 0;
  }
  await judge(entries);
}

/** No item waits for others here. */
const LAST_RANK = 2_147_483_647;

/** What it lacks is told when it is read. */
export function described(item: ItemRef): Described {
  return { ...item, bytes: item.bytes ?? 0, meta: item.meta ?? {} };
}

export function asRow({ key, version, meta, bytes, unstable }: Described, known: PlannedItem | undefined): ItemRow {
  return {
    key,
    version,
    meta,
    bytes,
    rank: LAST_RANK,
    digest: known?.digest ?? null,
    targetRef: known?.targetRef ?? null,
    targetVersion: known?.targetVersion ?? null,
    base: null,
    tries: 0,
    proof: null,
    outcome: known?.outcome ?? null,
    reason: null,
    gone: false,
    broken: known?.broken ?? null,
    unread: false,
    unstable: unstable === true,
  };
}
