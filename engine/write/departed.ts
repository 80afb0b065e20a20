/** Items that moved from one folder of the source to another move in the target too, instead of being copied again. */
import type { Target, TargetContainer, Write, WriteAnswer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { everyDigest, isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { Replaced } from '../../ledger/batches.js';
import type { Departed } from '../../ledger/departed.js';
import { departedByDigest } from '../../ledger/departed.js';
import { hashIdentity, setIdentities } from '../../ledger/identities.js';
import { fenced } from '../../ledger/leases.js';
import type { Entry } from '../decide/fitting.js';
import type { Slice } from '../slice/slice.js';
import { attempt } from './attempt.js';
import type { OpenDestination } from './destination.js';
import type { Result } from './results.js';

/** Moves what it can; returns the entries that must be written after all. */
export async function moveDeparted(
  slice: Slice,
  to: OpenDestination,
  target: Target<unknown>,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  const digests = entries.flatMap((entry) => everyDigest(slice.rules, entry));
  const departed = await departedByDigest(slice.deps.ledger.pool, slice, digests);
  // What left the same folder was taken over (renamed.ts), or has no other to go to.
  const candidates = slice.rules.adopts.includes('identity') ? departed.filter(elsewhere(to)) : departed;
  if (candidates.length === 0) return entries;
  const rest: Entry[] = [];
  const moved: Entry[] = [];
  for (const entry of entries) {
    const at = hasContent(slice, entry)
      ? candidates.findIndex((one) => isDigestOf(slice.rules, entry, one.digest) && !to.shared.moved.has(nameOf(one)))
      : -1;
    const from = at === -1 ? undefined : candidates.splice(at, 1)[0];
    const isMoved =
      from !== undefined && (await stands(slice, to, target, from)) && (await moveOne(slice, to, target, entry, from));
    (isMoved ? moved : rest).push(entry);
  }
  await takeNames(slice, to, moved);
  return rest;
}

/** Another of the same identity, which comes after it, is its twin. */
async function takeNames(
  { deps, lease, rules }: Slice,
  { bound }: OpenDestination,
  moved: readonly Entry[],
): Promise<void> {
  if (moved.length === 0 || !rules.adopts.includes('identity')) return;
  const named = moved.map(({ item, identities }) => ({ key: item.key, identities: identities.map(hashIdentity) }));
  await fenced(deps.ledger, lease, (sql) => setIdentities(sql, bound.id, named));
}

const elsewhere =
  ({ bound }: OpenDestination) =>
  ({ targetKey }: Departed): boolean =>
    targetKey !== bound.targetKey;

/** False: the folder that it left was renumbered in the target, or is gone there. What its references name is not ours. */
function stands(
  { signal }: Slice,
  { bound, shared }: OpenDestination,
  target: Target<unknown>,
  from: Departed,
): Promise<boolean> | boolean {
  if (from.container === bound.id) return true;
  return shared.standsOnce(from.container, async () => {
    try {
      await target.anchor(leftBy(from), signal);
      return true;
    } catch (error) {
      if (error instanceof Fault && (error.code === 'conflict' || error.code === 'not-found')) return false;
      throw error;
    }
  });
}

function leftBy({ targetKey, targetValidity }: Departed): TargetContainer {
  return { key: targetKey, path: [], validity: targetValidity, created: false, items: 0 };
}

/** False: the target will not move it. */
async function moveOne(
  slice: Slice,
  { bound, anchor, shared }: OpenDestination,
  target: Target<unknown>,
  entry: Entry,
  from: Departed,
): Promise<boolean> {
  shared.moved.add(nameOf(from));
  const { key } = entry.item;
  const { path } = entry;
  const replaces = { container: from.container, key: from.key, targetKey: from.targetKey, ref: from.targetRef };
  const moving: Write<unknown> = {
    op: 'move',
    token: key,
    ref: from.targetRef,
    to: bound.target,
    ...(path !== undefined && { path, ...(from.targetVersion && { version: from.targetVersion }) }),
  };
  let moved = false;
  await attempt(slice, target, {
    op: 'move',
    bound,
    at: leftBy(from),
    writes: [moving],
    anchor,
    digests: new Map([[key, entry.digest]]),
    ...(path !== undefined && { paths: new Map([[key, path]]) }),
    details: new Map([[key, { replaces }]]),
    entries: [entry],
    settle(answer) {
      if ('refused' in answer || 'conflicted' in answer) return 'not-written';
      moved = true;
      return movedAs(entry, answer, replaces);
    },
  });
  return moved;
}

/**
 * Whether content tells an item from others. All folders have one digest, and all empty files: a folder that left the
 * source is not the new one, and to move it takes along what it holds, a person's files too. They are made anew.
 */
function hasContent({ rules }: Slice, { bytes }: Entry): boolean {
  return rules.place !== 'path' || bytes > 0;
}

function movedAs(
  { item, digest }: Entry,
  { ref, version }: Extract<WriteAnswer, { token: string }>,
  replaces: Replaced,
): Result {
  const { key, meta } = item;
  if (ref === undefined) return { key, todo: null, outcome: 'unsure', digest, reason: MOVED_UNNAMED, replaces };
  return {
    key,
    todo: 'verify',
    outcome: 'arrived',
    digest,
    ref,
    made: 'moved',
    ...(version !== undefined && { version }),
    base: meta,
    replaces,
  };
}

/** Written again it might stand there twice; `migrate retry` scans first and finds it. */
const MOVED_UNNAMED = 'the target moved it without saying where to; `migrate retry` looks for it';

const nameOf = (departed: Departed): string => `${departed.container}/${departed.key}`;
