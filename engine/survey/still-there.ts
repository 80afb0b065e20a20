/**
 * A target that was emptied, rebuilt, or that is not mounted is noticed by the next run, also by one that has nothing to do:
 * each container is asked for once, cheaply, before anything is written. What is missing is named, not filled in anew:
 * docs/decisions/0033-whose-half-a-file-is.md.
 */
import type { Target, TargetContainer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { writeEvent } from '../../ledger/events.js';
import { fenced } from '../../ledger/leases.js';
import { noteRoot, rootOf } from '../../ledger/places.js';
import { verifyAll } from '../../ledger/requeue.js';
import type { StandingContainer } from '../../ledger/standing.js';
import { someStanding, standingContainers } from '../../ledger/standing.js';
import type { Slice } from '../slice/slice.js';

/** So many copies are asked for; where not all of them stand, so many more decide. */
const FEW = 3;
const MORE = 20;

/**
 * Throws `Fault('conflict')` when another disk stands in the place of the target, or none: nothing is written to it. What
 * else is lost is put on the list to be read back, and comes out as missing. False: the slice was asked to end before
 * all was looked at.
 */
export async function lookAtTarget(slice: Slice): Promise<boolean> {
  const { deps, lease, input, run, other } = slice;
  const rows = await standingContainers(deps.ledger, slice, slice.target.standing ? 0 : FEW);
  // Once a run.
  if (rows.some(({ surveyedRun }) => surveyedRun === run)) return true;
  const lost: Lost[] = [];
  const anotherRoot = await isAnotherRoot(slice);
  // Going both ways what stands there is listed, and what is gone from it is a change like any other.
  if (other !== undefined && !anotherRoot) return true;
  let stands = false;
  for (const row of rows) {
    if (row.targetKey === null || row.standing === 0) continue;
    // Nothing of it can be asked for, and so nothing is known.
    if (!slice.target.standing && row.refs.length === 0) continue;
    if (slice.ending()) return false;
    const why = await lossOf(slice, row);
    if (why === undefined) stands = true;
    else lost.push({ row, why });
  }
  if (anotherRoot && lost.length > 0 && !stands && !ASKED.has(input.reason)) throw elsewhere();
  if (stands) await rememberRoot(slice);
  for (const { row, why } of lost) {
    const items = await fenced(deps.ledger, lease, (sql) => verifyAll(sql, row.id));
    if (items === 0) continue;
    const message = `${why}; what was moved there is looked for`;
    await writeEvent(deps.ledger.pool, input, 'warn', message, { container: row.id, items });
  }
  return true;
}

/** In these runs a person has asked for what is missing: it is named, or made again. */
const ASKED: ReadonlySet<string> = new Set(['retry', 'verify']);

interface Lost {
  readonly row: ContainerRow;
  readonly why: string;
}

/** Nothing of what was written stands in the place of a target that is a path of the worker. */
function elsewhere(): Fault {
  return new Fault(
    'conflict',
    'nothing of what was written to the target stands there, and its folder is another than it was, or is gone: its disk may not be mounted',
    {
      next: 'mount it, and run this again: nothing was written; if it was made anew on purpose, `migrate verify` names what is missing, and `migrate retry` then writes it again',
      side: 'target',
    },
  );
}

/** Whether the target's folder is on another disk than before; true where none was noted. Only paths of the worker have one. */
async function isAnotherRoot({ deps, pairing, target, signal }: Slice): Promise<boolean> {
  if (!target.root) return false;
  const known = await rootOf(deps.ledger.pool, pairing.target);
  return known === undefined || (await target.root(signal)) !== known;
}

/** What was written stands on this disk. */
export async function rememberRoot({ deps, pairing, target, signal }: Slice): Promise<void> {
  const root = await target.root?.(signal);
  if (root !== undefined) await noteRoot(deps.ledger.pool, pairing.target, root);
}

/** Why what was written to a container may be lost; undefined where it stands. */
async function lossOf(slice: Slice, row: StandingContainer): Promise<string | undefined> {
  const { target, signal } = slice;
  const at: TargetContainer = {
    key: row.targetKey as string,
    path: row.targetPath ?? [],
    validity: row.targetValidity ?? '',
    created: false,
    items: 0,
  };
  try {
    if (!target.standing) return await missingFrom(slice, row, at);
    const now = await target.standing(at, signal);
    if (!now) return GONE;
    if (now.validity !== at.validity) return 'the target’s folder was made anew';
    return now.items * 2 < row.standing ? EMPTIED : undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // IMAP says NO to what is not there. What may not be looked at is told when it is read back.
    if (['not-found', 'conflict', 'refused'].includes(error.code)) return GONE;
    throw error;
  }
}

const GONE = 'the target’s folder is gone, or is another';
const EMPTIED = 'most of what was moved to the target’s folder is not there';

/** A few copies are asked for. A person may have taken one away; where most are gone, all are looked for. */
async function missingFrom(
  slice: Slice,
  { id, refs: few }: StandingContainer,
  at: TargetContainer,
): Promise<string | undefined> {
  const { deps, target, signal } = slice;
  for (const most of [FEW, MORE]) {
    const refs = most === FEW ? few : await someStanding(deps.ledger.pool, id, most);
    const there = await present(target, at, refs, signal);
    if (there === refs.length) return undefined;
    if (most === MORE || refs.length < most) return there * 2 < refs.length ? EMPTIED : undefined;
  }
  return undefined;
}

async function present(
  target: Target<unknown>,
  at: TargetContainer,
  refs: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const there = new Set<string>();
  const sorted = [...refs].sort();
  const asked = target.sizes?.(at, sorted, signal) ?? target.readBack(at, sorted, signal);
  for await (const { ref } of asked) there.add(ref);
  return there.size;
}
