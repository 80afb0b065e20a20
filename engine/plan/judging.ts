/**
 * What a run would do with items whose content was read: the same rules in the same order as adopt.ts, namesakes.ts,
 * edits.ts and conflicts.ts, but for the writing.
 */
import type { Container, Refused } from '../../connectors/contract.js';
import { everyDigest, isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { Namesake } from '../../ledger/identities.js';
import { hashIdentity } from '../../ledger/identities.js';
import type { PlannedItem } from '../../ledger/planned.js';
import type { Conflict, Resolution } from '../decide/conflict.js';
import { resolveConflict } from '../decide/conflict.js';
import type { Entry } from '../decide/fitting.js';
import { twin } from '../decide/twins.js';
import type { LeftByName } from './arrivals.js';
import { nameOfLeft } from './arrivals.js';
import type { Counterpart, PlannedUnclaimed } from './counterpart.js';
import type { Counts, Look, Volume } from './look.js';
import type { LeftAs } from './remarks.js';

/** Where the counts and remarks of one container go. */
export interface ContainerPlan {
  readonly look: Look;
  /** On the side that is read. */
  readonly container: Pick<Container, 'key' | 'path' | 'validity'>;
  readonly at: Counterpart;
  readonly counts: Counts;
  /** Bytes beside the counts; set for kinds whose items stand under paths. */
  readonly volume?: Volume;
  /** The selection, in whose name remarks are summed up. */
  readonly said: string;
  /** New items that share an identity with another: judged when it is known which of those left the source. */
  readonly twins: Met[];
  /** Names one item in a problem. */
  name(key: string): string;
}

/** An item that another of the source stands in the way of. */
export interface Met {
  readonly entry: Entry;
  readonly other: Namesake;
  readonly by: string;
}

/** Items that have no copy yet. */
export async function judgeNew(plan: ContainerPlan, entries: readonly Entry[]): Promise<void> {
  const { look, at, counts } = plan;
  if (entries.length === 0) return;
  const unclaimed = await at.unclaimed();
  const rest: Entry[] = [];
  for (const entry of entries) {
    const copy = unclaimed.byDigest.get(entry.digest)?.find(isFree);
    if (!copy) {
      rest.push(entry);
      continue;
    }
    await claim(plan, copy);
    takeNames(at, entry);
    counts.adopt++;
  }
  const key = await at.key();
  const hashes = rest.flatMap((entry) => entry.identities.map(hashIdentity));
  const existing = key === undefined ? [] : await look.planned.namesakes(key, hashes);
  const conflicts: Conflict[] = [];
  for (const entry of rest) {
    const met = metBy(plan, entry, existing, unclaimed.byIdentity);
    if (!met) {
      create(plan, entry);
      arrive(plan, entry);
    }
    if (met && 'other' in met) plan.twins.push({ entry, ...met });
    else if (met) {
      await claim(plan, met.copy);
      conflicts.push({ entry, ref: met.copy.ref, by: met.by });
    }
    if (!met || 'copy' in met) takeNames(at, entry);
  }
  await settle(plan, conflicts);
}

/** Items whose copy is to be replaced, with what the ledger knows of them. */
export async function judgeEdits(
  plan: ContainerPlan,
  edits: readonly { readonly entry: Entry; readonly known: PlannedItem }[],
): Promise<void> {
  const { look, at, counts } = plan;
  if (edits.length === 0) return;
  const versions = await at.versions();
  const conflicts: Conflict[] = [];
  for (const { entry, known } of edits) {
    const { outcome, targetVersion } = known;
    const ref = known.targetRef as string;
    if (isDigestOf(look.rules, entry, known.digest) && outcome !== 'conflict' && outcome !== 'missing')
      counts.unchanged++;
    else if (outcome !== 'conflict' && targetVersion && versions?.get(ref) === targetVersion) {
      look.handled.add((await at.key()) ?? '', ref);
      update(plan, entry);
    } else conflicts.push({ entry, ref, by: 'version' });
  }
  await settle(plan, conflicts);
}

function arrive(plan: ContainerPlan, entry: Entry, otherwise?: () => void): void {
  const { arrivals, rules } = plan.look;
  // What another reading says otherwise is no other item's content.
  const digests = entry.item.unstable ? [] : everyDigest(rules, entry);
  arrivals?.add({ plan, bytes: entry.bytes, content: { digests }, ...(otherwise && { otherwise }) });
}

const isFree = (copy: PlannedUnclaimed): boolean => !copy.taken;

async function claim({ look, at }: ContainerPlan, copy: PlannedUnclaimed): Promise<void> {
  copy.taken = true;
  look.handled.add((await at.key()) ?? '', copy.ref);
}

function takeNames(at: Counterpart, { item, digest, identities }: Entry): void {
  const mine = identities.map(hashIdentity);
  const name: Namesake = { identities: mine, key: item.key, container: null, ref: null, digest };
  for (const hash of mine) if (!at.claimed.has(hash)) at.claimed.set(hash, name);
}

/** The strongest identity that another has too: an item of the source, or a copy that nobody stands for. */
function metBy(
  { at }: ContainerPlan,
  { item, identities }: Entry,
  existing: readonly Namesake[],
  copies: ReadonlyMap<string, readonly PlannedUnclaimed[]>,
):
  | { readonly by: string; readonly other: Namesake }
  | { readonly by: string; readonly copy: PlannedUnclaimed }
  | undefined {
  for (const identity of identities) {
    const by = identity.split(':', 1)[0] as string;
    const hash = hashIdentity(identity);
    const other = at.claimed.get(hash) ?? existing.find((one) => one.key !== item.key && one.identities.includes(hash));
    if (other) return { by, other };
    const copy = copies.get(hash)?.find(isFree);
    if (copy) return { by, copy };
  }
  return undefined;
}

export function create({ counts, look, said }: ContainerPlan, entry: Pick<Entry, 'bytes' | 'notes'>): void {
  counts.create++;
  counts.bytes += entry.bytes;
  for (const note of entry.notes) look.remarks.note(said, note);
}

export function update({ counts, volume, look, said }: ContainerPlan, entry: Pick<Entry, 'bytes' | 'notes'>): void {
  counts.update++;
  if (volume) volume.update += entry.bytes;
  for (const note of entry.notes) look.remarks.note(said, note);
}

/**
 * Of twins, those that are what left the source under another key (write/renamed.ts): they keep its copy, edited or not.
 * The others are left out.
 */
export async function settleTwins(plan: ContainerPlan, left: LeftByName): Promise<void> {
  const renamed: { entry: Entry; known: PlannedItem }[] = [];
  for (const { entry, other, by } of plan.twins) {
    const known = by === 'uid' ? left.get(nameOfLeft(other.container, other.key)) : undefined;
    if (known && !known.stays) {
      known.stays = true;
      renamed.push({ entry, known: known.item });
    } else {
      // A run moves what it can before it looks for namesakes.
      const otherwise = (): void => leaveTwin(plan, entry, other, by);
      const { arrivals } = plan.look;
      if (arrivals) arrive(plan, entry, otherwise);
      else otherwise();
    }
  }
  await judgeEdits(plan, renamed);
}

function leaveTwin(plan: ContainerPlan, entry: Entry, other: Namesake, by: string): void {
  // Summed up without the other's name, which differs each time.
  const { outcome, reason = '' } = twin(plan.look, entry, { ...other, key: '…' }, by);
  if (outcome === 'refused') refuse(plan, entry.item.key, reason, twin(plan.look, entry, other, by).reason);
  else {
    plan.counts.skip++;
    plan.look.remarks.note(plan.said, reason, 1, 'skip');
  }
}

/** What the source would not give, or its options leave out. */
export function leave(plan: ContainerPlan, { refused, reason, skipped }: Refused): void {
  if (skipped) {
    plan.counts.skip++;
    plan.look.remarks.note(plan.said, reason, 1, 'skip');
  } else refuse(plan, refused, reason);
}

/** An item that would not be moved; a dry run names it. */
export function refuse({ counts, look, said, name }: ContainerPlan, key: string, reason: string, named = reason): void {
  counts.refuse++;
  if (look.dryRun) look.remarks.refused(name(key), named);
  else look.remarks.note(said, reason, 1, 'refuse');
}

/** What an earlier run left alone, and was not changed since. */
export function leaveAgain({ counts, look, said }: ContainerPlan, as: 'skip' | 'refuse'): void {
  counts[as]++;
  look.remarks.note(said, AS_BEFORE[as], 1, as);
}

const AS_BEFORE = {
  skip: 'left out by an earlier run, and not changed since',
  refuse: 'refused in an earlier run, and not changed since: a run names each',
} as const;

/** Reads the copies that entries met, and counts what becomes of both. */
export async function settle(plan: ContainerPlan, conflicts: readonly Conflict[]): Promise<void> {
  if (conflicts.length === 0) return;
  const { look, at } = plan;
  const key = (await at.key()) ?? '';
  const copies = await at.read([...new Set(conflicts.flatMap((conflict) => conflict.ref ?? []))]);
  for (const conflict of conflicts) {
    const ref = conflict.ref as string;
    const resolution = resolveConflict(look, conflict, copies.get(ref));
    look.handled.add(key, ref, carriedReverse(look, resolution));
    apply(plan, conflict, resolution);
  }
}

/** What the reverse pass has to count for a resolution of the forward pass. */
function carriedReverse(look: Look, resolution: Resolution): 'create' | 'update' | undefined {
  if (look.other === undefined) return undefined;
  if (resolution.to === 'yield') return 'update';
  return resolution.to === 'keep-both' ? 'create' : undefined;
}

export function apply(plan: ContainerPlan, { entry, by }: Conflict, resolution: Resolution): void {
  const { counts, look, volume } = plan;
  if ('reason' in resolution && resolution.reason !== undefined)
    look.remarks.note(plan.said, resolution.reason, 1, leftAs(look, resolution));
  switch (resolution.to) {
    case 'take':
      if (by === 'version') counts.unchanged++;
      else counts.adopt++;
      if (volume) volume.unchanged += entry.bytes;
      return;
    case 'replace':
      update(plan, entry);
      return;
    case 'create':
      create(plan, entry);
      return;
    case 'keep-both':
      // The other side's version goes on as an item of its own.
      counts.create++;
      update(plan, entry);
      return;
    case 'yield':
      if (look.other === undefined) counts.skip++;
      return;
    case 'leave':
      if (resolution.outcome === 'conflict') counts.conflict++;
      else counts.skip++;
      return;
    default:
      resolution satisfies never;
  }
}

function leftAs({ other }: Look, resolution: Resolution): LeftAs | undefined {
  if (resolution.to === 'yield') return other === undefined ? 'skip' : undefined;
  if (resolution.to !== 'leave') return undefined;
  return resolution.outcome === 'conflict' ? 'conflict' : 'skip';
}
