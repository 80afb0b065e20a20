/** Binds each container to its counterpart in the target, and writes down what the target held before us. */
import type { Known, Target, TargetContainer, TargetRef, Wanted } from '../../connectors/contract.js';
import { Fault, saidBy } from '../../connectors/errors.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { bindTarget, coveredContainers, isBound, markScanned, outdatedWith } from '../../ledger/containers.js';
import { ownedRefs } from '../../ledger/copies.js';
import { writeEvent } from '../../ledger/events.js';
import { hashIdentity } from '../../ledger/identities.js';
import { fenced } from '../../ledger/leases.js';
import { counterpartPath } from '../../ledger/links.js';
import { rebindReferences } from '../../ledger/rebind.js';
import { verifyAll } from '../../ledger/requeue.js';
import { forgetUnclaimed, forgetUnseen, holdsOutdated, unclaimedRefs, writeUnclaimed } from '../../ledger/unclaimed.js';
import { clearUnlisted, noteUnlisted } from '../../ledger/unlisted.js';
import { DEFAULT_MATCH } from '../decide/fitting.js';
import { wantedContainer } from '../select/selecting.js';
import type { Slice } from '../slice/slice.js';
import { sharedBy } from './shared.js';

export type Bound = ContainerRow & { readonly targetKey: string; readonly target: TargetContainer };

/** Opens the counterpart of one container; makes it where it is missing. */
export async function bindContainer(slice: Slice, session: Target<unknown>, row: ContainerRow): Promise<Bound> {
  const { deps, lease } = slice;
  const place = await wanted(slice, row);
  if (slice.rules.place === 'path' && row.targetKey !== null) await noticeLoss(slice, session, row, place);
  const target = await apart(slice, session, row, place, await opened(slice, session, place));
  // One that had to be made again is another, whatever it is called.
  const same = row.targetKey === target.key && row.targetValidity === target.validity && !target.created;
  const bound = {
    ...row,
    targetKey: target.key,
    targetPath: target.path,
    targetValidity: target.validity,
    // An anchor says nothing of another folder.
    scannedTo: same ? row.scannedTo : null,
    target,
  };
  if (row.targetKey !== null && !same && slice.rules.place !== 'path') {
    await rebind(slice, session, row, bound);
    return bound;
  }
  if (!same) {
    await fenced(deps.ledger, lease, async (sql) => {
      await bindTarget(sql, row.id, target);
      await clearUnlisted(sql, row.id, 'target');
    });
  }
  // What stands under paths is met where something is to be written, and nowhere else.
  const scanned = !slice.rules.adopts.includes('digest') || (same ? row.scanned : target.items === 0);
  // An empty one is looked at herewith: what comes there from now on is ours, also for others that go there.
  if (!same && target.items === 0) await sharedBy(slice).scanOnce(target.key, async () => {});
  if (!scanned) {
    await sharedBy(slice).scanOnce(target.key, () => scanAnew(slice, session, bound));
    await fenced(deps.ledger, lease, (sql) => markScanned(sql, row.id));
  }
  return bound;
}

/** Made where it is missing, unless the spec fills only what is there. Throws `Fault('refused')` for this container alone. */
async function opened({ selection, signal }: Slice, session: Target<unknown>, place: Wanted): Promise<TargetContainer> {
  if (selection.containers !== 'existing') return session.ensure(place, signal);
  if (session.find && !(await session.find(place, signal)))
    throw new Fault('refused', 'the target has no such folder, and the spec says `containers: existing`', {
      next: 'make it in the target, map it to one that is there, or allow `containers: create`',
      side: 'target',
    });
  return session.ensure(place, signal);
}

/**
 * A role may lead into a folder that another one of the source goes into by its own name (`Trash` into `Deleted Messages`,
 * where the source has both). Two folders do not become one: then this one goes by its name too.
 */
async function apart(
  slice: Slice,
  session: Target<unknown>,
  row: ContainerRow,
  { role, ...byName }: Wanted,
  found: TargetContainer,
): Promise<TargetContainer> {
  const same = (path: readonly string[]) => JSON.stringify(path) === JSON.stringify(found.path);
  if (role === undefined || row.targetKey === found.key || same(byName.path)) return found;
  const others = await coveredContainers(slice.deps.ledger, slice);
  if (!others.some((other) => other.id !== row.id && same(wantedContainer(slice.selection, other).path))) return found;
  const own = await opened(slice, session, byName);
  const note = `it did not go into ${found.path.join('/')}, which stands for ${role} in the target: another folder of the source is called that`;
  return { ...own, notes: [...(own.notes ?? []), note] };
}

/** Why the container alone is refused; undefined for faults of the whole account, and where it is all there is. */
export function refusalOf({ rules }: Pick<Slice, 'rules'>, error: unknown): string | undefined {
  if (rules.place === 'path' || !(error instanceof Fault) || error.side === 'source' || error.code !== 'refused')
    return undefined;
  return saidBy(error);
}

/** A tree that is gone from the target is made again below, and nothing would tell then what was in it. */
async function noticeLoss(
  { deps, lease, input, signal }: Slice,
  session: Target<unknown>,
  { id }: ContainerRow,
  place: Wanted,
): Promise<void> {
  if (!session.find || (await session.find(place, signal))) return;
  const items = await fenced(deps.ledger, lease, (sql) => verifyAll(sql, id));
  if (items === 0) return;
  const message = 'the target’s folder is gone; what was moved there is looked for';
  await writeEvent(deps.ledger.pool, input, 'warn', message, { container: id, items });
}

/** Going both ways, a container that the other direction is bound to keeps the name it has there. */
async function wanted(slice: Slice, row: ContainerRow): Promise<Wanted> {
  const plain = wantedContainer(slice.selection, row);
  if (slice.other === undefined) return plain;
  const path = await counterpartPath(slice.deps.ledger.pool, slice.other, row.key);
  return path ? { ...plain, path } : plain;
}

/**
 * All references are void: the target renumbered the folder, or another stands in its place. What it holds is scanned
 * anew, then the items are bound to it by digest, in one transaction with the new validity: a crash before that
 * leaves the old one, and all of it is done again. Other containers that go into the same folder are bound with it: else
 * their copies would be nobody's until they have something to do.
 */
async function rebind(slice: Slice, session: Target<unknown>, row: ContainerRow, bound: Bound): Promise<void> {
  const { deps, lease, pairing, input } = slice;
  const { target } = bound;
  // Bound with another since the row was read: its references are those of now.
  if (row.targetValidity !== target.validity && (await isBound(deps.ledger.pool, row.id, target))) return;
  await fenced(deps.ledger, lease, (sql) => forgetUnclaimed(sql, pairing.target, target.key));
  await scanContainer(slice, session, bound);
  const lost = await fenced(deps.ledger, lease, async (sql) => {
    let missing = 0;
    for (const id of await outdatedWith(sql, bound.id, target)) {
      await bindTarget(sql, id, target);
      await markScanned(sql, id);
      missing += await rebindReferences(sql, id, pairing.target, target.key, slice.run);
    }
    return missing;
  });
  const message = 'the target renumbered a folder; its items were looked up by digest';
  await writeEvent(deps.ledger.pool, input, 'warn', message, { container: bound.id, lost });
}

/** The containers nothing was written to, so that empty ones arrive too. Those bound before are not asked for again. */
export async function bindMissing(slice: Slice): Promise<void> {
  const { deps, lease } = slice;
  for (const row of await coveredContainers(slice.deps.ledger, slice)) {
    if (slice.ending()) return;
    if (row.targetKey !== null || row.surveyedRun !== slice.run) continue;
    try {
      await bindContainer(slice, slice.target, row);
    } catch (error) {
      const words = refusalOf(slice, error);
      if (words === undefined) throw error;
      const reason = deps.redact(words);
      await fenced(deps.ledger, lease, (sql) => noteUnlisted(sql, row.id, { by: 'target', reason, run: slice.run }));
    }
  }
}

/** Of references in a container of the target those that belong to items. */
export function ownedIn({ deps, pairing }: Slice, target: TargetContainer): Known {
  return (refs) => ownedRefs(deps.ledger.pool, pairing.target, target, refs);
}

/**
 * Writes down what the target holds that neither belongs to an item nor is written down already. Where the target tells what
 * came since it was looked at last, only that is looked at.
 */
export async function scanContainer(slice: Slice, session: Target<unknown>, bound: Bound): Promise<void> {
  const { deps, lease, pairing, signal } = slice;
  const owned = ownedIn(slice, bound.target);
  const known: Known = async (refs) => {
    const items = await owned(refs);
    const rest = refs.filter((ref) => !items.has(ref));
    if (rest.length === 0) return items;
    return new Set([...items, ...(await unclaimedRefs(deps.ledger.pool, pairing.target, bound.targetKey, rest))]);
  };
  const anchor = await anchorOf(session, bound, signal);
  const since = (bound.scanned && bound.scannedTo) || undefined;
  const writePage = pageWriter(slice, bound);
  for await (const page of session.scan(bound.target, known, signal, since)) await writePage(page.entries);
  await fenced(deps.ledger, lease, (sql) => markScanned(sql, bound.id, anchor));
}

/** At the latest before anything is looked at. */
async function anchorOf(session: Target<unknown>, { target }: Bound, signal: AbortSignal): Promise<string> {
  return target.anchor ?? (await session.anchor(target, signal));
}

/** Like `scanContainer`, but what was written down before is read again too, and forgotten where it is gone. */
export async function scanAnew(slice: Slice, session: Target<unknown>, bound: Bound): Promise<void> {
  const { deps, lease, pairing, signal } = slice;
  const anchor = await anchorOf(session, bound, signal);
  const seen: string[] = [];
  const writePage = pageWriter(slice, bound);
  for await (const page of session.scan(bound.target, ownedIn(slice, bound.target), signal)) {
    seen.push(...page.entries.map(({ ref }) => ref));
    await writePage(page.entries);
  }
  await fenced(deps.ledger, lease, async (sql) => {
    await forgetUnseen(sql, pairing.target, bound.targetKey, seen);
    await markScanned(sql, bound.id, anchor);
  });
}

/** While items have digests of version 1, copies are written down with theirs, too: by it they are told to be the same. */
function pageWriter(slice: Slice, bound: Bound): (page: readonly TargetRef[]) => Promise<void> {
  const { deps, lease, pairing, run, rules } = slice;
  let asked: Promise<boolean> | undefined;
  return async (page) => {
    if (page.length === 0) return;
    if (rules.digest1) asked ??= holdsOutdated(deps.ledger.pool, pairing.target, bound.targetKey);
    const outdated = await asked;
    const earlierOf = ({ body }: TargetRef): { readonly earlier?: string } =>
      outdated && rules.digest1 && body !== undefined ? { earlier: rules.digest1(body) } : {};
    const entries = page.map((ref) => ({ ...ref, identities: identitiesOf(slice, ref), ...earlierOf(ref) }));
    await fenced(deps.ledger, lease, (sql) => writeUnclaimed(sql, pairing.target, bound.targetKey, entries, run));
  };
}

function identitiesOf({ rules, selection }: Slice, ref: TargetRef): string[] | undefined {
  if (!rules.adopts.includes('identity') || ref.body === undefined) return undefined;
  return rules.identities(ref.body, selection.match ?? DEFAULT_MATCH).map(hashIdentity);
}
