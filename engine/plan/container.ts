/** One container in one direction: the source's listing against the ledger, and what is new or edited against the target. */
import type { Container, ItemRef, Page } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { PlannedContainer } from '../../ledger/planned.js';
import type { PlanContainer } from '../../words/plan.js';
import { FittingGlobs } from '../select/fitting-globs.js';
import { NO_TWINS } from '../select/names.js';
import { coversPlace } from '../select/selecting.js';
import { opensFolder } from '../select/selecting-files.js';
import { createUnopened } from '../survey/unopened.js';
import type { Left } from './arrivals.js';
import type { Counterpart } from './counterpart.js';
import { judgeGoneEntries, planEntries } from './entries.js';
import { looksAtTarget, planItems } from './items.js';
import type { ContainerPlan } from './judging.js';
import type { Look } from './look.js';
import { noCounts } from './look.js';
import { judgeGone } from './removals.js';
import { settleRenames } from './settle-renames.js';
import type { TreePlan } from './tree.js';
import { gathered, treePlan } from './tree.js';
import { twinsAhead } from './twins.js';

/** A container of the source, with what the ledger knows of it. */
export interface PlannedPair {
  readonly container: Container;
  /** Undefined when the container is new. */
  readonly row: PlannedContainer | undefined;
  /** The source renumbered it: the keys that the ledger knows are void. */
  readonly voided: boolean;
  readonly at: Counterpart;
  /** Where it goes, as the spec says. */
  readonly to: readonly string[];
}

export interface PlannedRow {
  readonly row: PlanContainer;
  /** Items with a copy that left the source, whatever becomes of their copies. */
  readonly gone: number;
}

/** A container whose listing was gone through. */
export interface Listed {
  readonly plan: ContainerPlan;
  /** What it no longer shows: some of it may be there under another key, or in another container. */
  readonly left: readonly Left[];
  /** Once it is known what became of that. Undefined: nothing is to be said of it. */
  finish(): Promise<PlannedRow | undefined>;
}

/** Reads what it must of both sides, in pages; writes nothing. */
export async function planContainer(look: Look, pair: PlannedPair): Promise<Listed> {
  const { container, row, voided, at } = pair;
  const known = voided ? undefined : row;
  const plan = containerPlan(look, container, at);
  const tree =
    look.rules.place === 'path' ? await treePlan(plan, await twinsAhead(look, container, known), known) : undefined;
  let after = '';
  let gone = 0;
  const left: Left[] = [];
  const opens = opensFolder(look.selection);
  const unopened = createUnopened(opens, after);
  const globs = tree && !look.reverse ? new FittingGlobs(look.selection) : undefined;
  const planPage = async (page: readonly ItemRef[], last: boolean): Promise<void> => {
    const to = last ? undefined : page.at(-1)?.key;
    await (tree ? planEntries(tree, page, known) : planItems(plan, page, known));
    const { hidden } = unopened.of(page);
    for (const item of page) globs?.seeEntry(item);
    if (known) gone += await planUnlisted(tree ?? plan, known, { after, to }, page, { hidden, left });
    after = to ?? after;
  };
  let page: readonly ItemRef[] = [];
  let cut: Fault | undefined;
  const pages = untilRefused(look.source.list(container, undefined, look.signal, opens), (fault) => {
    cut = fault;
  });
  for await (const next of tree ? gathered(pages) : pages) {
    if (page.length > 0) await planPage(page, false);
    page = next.entries;
  }
  // As in the survey: what a source could not list whole is named, and nothing in it counts as gone.
  if (cut === undefined) await planPage(page, true);
  else {
    if (page.length > 0) await planPage(page, false);
    look.remarks.fault(look.where, cut);
  }
  for (const said of globs?.said() ?? []) look.remarks.note(look.where, said);
  if (tree) gone -= await settleRenames(tree);
  return { plan, left: cut ? [] : left, finish: () => finish(look, pair, tree ?? plan, cut ? [] : left, gone) };
}

async function finish(
  look: Look,
  { container, row, voided, at, to }: PlannedPair,
  plan: ContainerPlan | TreePlan,
  left: readonly Left[],
  judged: number,
): Promise<PlannedRow> {
  const { counts } = plan;
  const tree = 'renames' in plan ? plan : undefined;
  const gone = judged + (await judgeLeft(plan, left));
  const carried = look.reverse ? look.handled.reverse(container.key) : { create: 0, update: 0 };
  counts.create += carried.create;
  counts.update += carried.update;
  // Asked only where it matters: what stands there already, or whether it must be made.
  const looks = looksAtTarget(look);
  const matters = (looks && counts.create > 0) || (row?.targetKey ?? null) === null;
  const opened = matters && (looks || look.target.find) ? await at.open() : undefined;
  // Where there is nothing, there is nothing to look at.
  const isEmpty = opened?.looked === true && (opened.container?.items ?? 0) === 0;
  if (voided) look.remarks.note(plan.said, 'the source renumbered a folder; its items are recognised by digest', 1);
  if (opened?.renewed) look.remarks.note(plan.said, tree ? ANOTHER_TREE : RENEWED, 1);
  return {
    gone,
    row: {
      ...namesOf(look, container.path, to),
      make: opened?.looked === true && opened.container === undefined,
      looked: counts.create === 0 || isEmpty || (looks && (opened?.looked ?? true)),
      ...counts,
      ...(tree && { volume: tree.volume }),
    },
  };
}

/** The pages of a listing; a container that is refused after them, or before the first, ends it. */
async function* untilRefused(
  pages: AsyncIterable<Page<ItemRef>>,
  tell: (fault: Fault) => void,
): AsyncGenerator<Page<ItemRef>> {
  try {
    yield* pages;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'refused') throw error;
    tell(error);
  }
}

/** A container that the source no longer has. */
export async function planVanished(look: Look, row: PlannedContainer, at: Counterpart): Promise<Listed> {
  const plain = containerPlan(look, row, at);
  const plan = look.rules.place === 'path' ? await treePlan(plain, NO_TWINS, undefined) : plain;
  const left: Left[] = [];
  const judged = await planUnlisted(plan, row, { after: '', to: undefined }, [], { left });
  const finish = async (): Promise<PlannedRow | undefined> => {
    const gone = judged + (await judgeLeft(plain, left));
    if (gone === 0) return undefined;
    const names = namesOf(look, row.path, row.targetPath ?? row.path);
    return { gone, row: { ...names, make: false, looked: true, ...plan.counts } };
  };
  return { plan, left, finish };
}

const RENEWED =
  'the target made a collection anew or renumbered it; copies are recognised by digest, others are reported as missing';

const ANOTHER_TREE =
  'the folder of the target is not the one that copies were written to, or is gone; `migrate verify` tells which are missing';

function namesOf(look: Look, path: readonly string[], to: readonly string[]) {
  return {
    selection: look.selection.name,
    unit: look.unit,
    account: look.where.unit.account ?? '',
    ...(look.reverse && { back: true as const }),
    path: path.join('/'),
    target: to.join('/'),
  };
}

function containerPlan(look: Look, container: ContainerPlan['container'], at: Counterpart): ContainerPlan {
  const side = look.reverse ? ' back' : '';
  return {
    look,
    at,
    container,
    counts: noCounts(),
    said: look.selection.name,
    twins: [],
    name: (key) => `${look.where.words}${side}: ${[container.path.join('/'), key].join(' ').trim()}`,
  };
}

/** `left`: takes what is judged at the end, when it is known what came under another key or to another container. */
async function planUnlisted(
  plan: ContainerPlan | TreePlan,
  row: PlannedContainer,
  range: { readonly after: string; readonly to: string | undefined },
  page: readonly ItemRef[],
  { hidden = [], left }: { readonly hidden?: readonly string[]; readonly left: Left[] },
): Promise<number> {
  const { look } = plan;
  const mirrors = look.selection.deletions === 'mirror';
  const tree = 'renames' in plan ? plan : undefined;
  const named = tree === undefined && look.rules.adopts.includes('identity');
  const waits = named || (tree === undefined && look.target.moves !== false);
  if (!mirrors && !waits && !tree?.renames) return 0;
  let gone = 0;
  const listed = page.map((item) => item.key);
  const covers = coversPlace(look.selection);
  for await (const known of look.planned.unlisted(row.id, range, listed)) {
    const unlisted = known.filter(({ key }) => !hidden.some((folder) => key.startsWith(folder)));
    tree?.renames?.depart(unlisted);
    const held = waits && (named || left.length < MAX_HELD);
    if (held) for (const item of unlisted) left.push({ container: row, item, stays: false });
    if (held || !mirrors) continue;
    const items = unlisted.filter((item) => covers(item.key));
    gone += items.length;
    await ('existing' in plan ? judgeGoneEntries(plan, row, items) : judgeGone(plan, row, items));
  }
  return gone;
}

/** Of mail, whose copies are not looked at, so many are held; the rest counts as to be removed. */
const MAX_HELD = 100_000;

/** What left a container that is not a tree, and stands nowhere else. Returns how many items are gone. */
async function judgeLeft(plan: ContainerPlan, left: readonly Left[]): Promise<number> {
  const { selection } = plan.look;
  if (selection.deletions !== 'mirror') return 0;
  const row = left[0]?.container;
  if (!row) return 0;
  const covers = coversPlace(selection);
  const gone = left.flatMap(({ stays, item }) => (!stays && covers(item.key) ? [item] : []));
  await judgeGone(plan, row, gone);
  return gone.length;
}
