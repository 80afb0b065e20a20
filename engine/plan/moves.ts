/**
 * What left one container and came to another. A run moves its copy in the target (write/departed.ts), told by its content;
 * a plan knows only when all containers were listed what has left, and takes back then what it counted as a create.
 */
import type { Digest, ItemRef } from '../../connectors/contract.js';
import { everyDigest } from '../../connectors/kinds/digest-version.js';
import { fitItem } from '../decide/fitting.js';
import type { Arrivals, Arrived, Left } from './arrivals.js';
import { asRow, described } from './items.js';
import type { Look } from './look.js';

/** Takes what was moved out of what is to create, and marks that its copy stays. */
export async function settleMoves(opened: Look, arrivals: Arrivals, left: readonly Left[]): Promise<void> {
  const look = onceEach(opened);
  const free = await standing(
    look,
    left.filter(({ stays, item }) => !stays && item.digest !== null),
  );
  if (free.length === 0) {
    for (const { otherwise } of arrivals.held) otherwise?.();
    return;
  }
  if (arrivals.unheld > 0) look.remarks.note(look.selection.name, NOT_COMPARED, arrivals.unheld);
  const byDigest = new Map<Digest, Left[]>();
  for (const one of free) {
    const same = byDigest.get(one.item.digest as Digest);
    if (same) same.push(one);
    else byDigest.set(one.item.digest as Digest, [one]);
  }
  const read = await readLikely(look, arrivals.held, free);
  for (const arrived of arrivals.held) {
    const digests = 'digests' in arrived.content ? arrived.content.digests : read.get(arrived);
    const at = digests && (await keyOf(look, arrived));
    const from = digests && departedAs(look, at, digests, byDigest);
    if (from) settleMove(look, arrived, at, from);
    else arrived.otherwise?.();
  }
}

/** Of a kind whose copies a plan looks at: those that are there. What a person removed cannot be moved. */
async function standing(look: Look, left: readonly Left[]): Promise<readonly Left[]> {
  if (look.rules.edits !== 'content') return left;
  const there: Left[] = [];
  for (const one of left) {
    const { targetKey } = one.container;
    const versions = targetKey === null ? undefined : await look.versions(targetKey);
    if (!versions || versions.has(one.item.targetRef as string)) there.push(one);
  }
  return there;
}

/** Each container of the target is listed once, whatever left it. */
function onceEach(look: Look): Look {
  const listed = new Map<string, ReturnType<Look['versions']>>();
  return {
    ...look,
    versions(targetKey) {
      const known = listed.get(targetKey) ?? look.versions(targetKey);
      listed.set(targetKey, known);
      return known;
    },
  };
}

const NOT_COMPARED = 'new items, too many to be compared with what left other folders: some may be moved instead';

/** Where it goes, of a kind whose copies are told by what they say of themselves; undefined where nothing is yet. */
async function keyOf({ rules }: Look, { plan }: Arrived): Promise<string | undefined> {
  return rules.adopts.includes('identity') ? plan.at.key() : undefined;
}

/** What kept its place in the target takes its copy over, and nothing is written for that (write/renamed.ts). */
const isAt = (at: string | undefined, { container }: Left): boolean => at !== undefined && container.targetKey === at;

function departedAs(
  { target }: Look,
  at: string | undefined,
  digests: readonly Digest[],
  byDigest: ReadonlyMap<Digest, readonly Left[]>,
): Left | undefined {
  const open = digests.flatMap((digest) => byDigest.get(digest)?.filter(({ stays }) => !stays) ?? []);
  const elsewhere = target.moves === false ? undefined : open.find((one) => !isAt(at, one));
  return open.find((one) => isAt(at, one)) ?? elsewhere;
}

function settleMove(look: Look, { plan, bytes, otherwise }: Arrived, at: string | undefined, from: Left): void {
  const { counts } = plan;
  if (!otherwise) {
    counts.create--;
    counts.bytes -= bytes;
  }
  counts[isAt(at, from) ? 'unchanged' : 'moved']++;
  from.stays = true;
  look.handled.add(from.container.targetKey ?? '', from.item.targetRef as string);
}

/**
 * Mail is not read for a plan, but for what may be one of those that left: as large, or as old and nearly as large, where
 * systems count the ends of lines otherwise.
 */
async function readLikely(
  look: Look,
  arrived: readonly Arrived[],
  left: readonly Left[],
): Promise<ReadonlyMap<Arrived, readonly Digest[]>> {
  const sizes = new Set(left.map(({ item }) => item.bytes));
  const dates = new Map<string, number[]>();
  for (const { item } of left) {
    if (item.date !== null) dates.set(item.date, [...(dates.get(item.date) ?? []), item.bytes]);
  }
  const isLikely = ({ bytes, meta }: ItemRef): boolean =>
    bytes === undefined ||
    sizes.has(bytes) ||
    (dates.get(String(meta?.date))?.some((other) => Math.abs(other - bytes) <= other / 8) ?? false);
  const byPlan = new Map<Arrived['plan'], Map<string, { readonly arrived: Arrived; readonly item: ItemRef }>>();
  for (const one of arrived) {
    if ('digests' in one.content || !isLikely(one.content.item)) continue;
    const { item } = one.content;
    const mine = byPlan.get(one.plan) ?? new Map();
    byPlan.set(one.plan, mine.set(item.key, { arrived: one, item }));
  }
  const digests = new Map<Arrived, readonly Digest[]>();
  for (const [{ container }, mine] of byPlan) {
    const refs = [...mine.values()].map(({ item }) => item);
    for await (const body of look.source.read(container, refs, look.signal)) {
      // What cannot be read now counts as to be created, and the run names it.
      const one = 'refused' in body ? undefined : mine.get(body.key);
      if (!one || 'refused' in body) continue;
      const fitting = fitItem(look, asRow(described(one.item), undefined), body.body, body.notes);
      if ('entry' in fitting) digests.set(one.arrived, everyDigest(look.rules, fitting.entry));
    }
  }
  return digests;
}
