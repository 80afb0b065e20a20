/** Move: everything that survey found to do, container by container, in batches that overlap. */
import type { Target } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import type { ContainerRow } from '../ledger/containers.js';
import { containersToDo } from '../ledger/containers.js';
import { countToDo } from '../ledger/items.js';
import { fenced } from '../ledger/leases.js';
import { releaseTwins } from '../ledger/twins.js';
import { failuresPassed } from '../ledger/units.js';
import { count as numberOf } from '../words/numbers.js';
import { deliver } from './carry/deliver.js';
import type { Chunk, Transfer } from './carry/feed.js';
import { feed } from './carry/feed.js';
import { readUntold } from './carry/read-untold.js';
import { renameRecased } from './carry/recased.js';
import { carry } from './carry-files.js';
import { TWIN } from './decide/twins.js';
import { wantedContainer } from './select/selecting.js';
import { createChannel } from './session/channel.js';
import { sleep } from './session/connections.js';
import { withLanes } from './session/lanes.js';
import type { GateOpened } from './slice/gate-of.js';
import type { Slice, WorkResult } from './slice/slice.js';
import { clearUploads } from './stream/clear-uploads.js';
import { bindMissing } from './write/bind.js';
import type { Destination } from './write/destination.js';
import { createDestination } from './write/destination.js';
import { changeMeta } from './write/meta.js';
import { recover } from './write/recover.js';
import { bindOrRefuse } from './write/refuse-container.js';
import { remove } from './write/remove.js';

export async function move(slice: Slice): Promise<WorkResult> {
  const { deps } = slice;
  await recover(slice);
  const streams = slice.rules.transport.includes('stream');
  if (streams) await clearUploads(slice);
  if (slice.rules.place === 'path' && !(await renameRecased(slice))) return 'more';
  for (const op of ['create', 'update'] as const) {
    const rows = await containersToDo(deps.ledger, slice);
    const todo = rows.filter((row) => row.todo.includes(op));
    if (streams) await carry(slice, op, todo, failuresWatch(slice));
    else await transfer(slice, op, todo);
    const gate = await tooManyFailures(slice);
    if (gate) return gate;
  }
  // An edit may have given an item another address: another may be called so now.
  if (slice.rules.adopts.includes('identity')) {
    const released = await fenced(deps.ledger, slice.lease, (sql) => releaseTwins(sql, slice, TWIN));
    if (released > 0) return 'more';
  }
  // What was adopted may lack flags: asked for anew.
  for (const row of await containersToDo(deps.ledger, slice)) {
    if (slice.ending()) return 'more';
    if (!row.todo.includes('meta')) continue;
    const bound = await bindOrRefuse(slice, slice.target, row, 'meta');
    if (!bound) continue;
    await readUntold(slice, row);
    await changeMeta(slice, bound);
  }
  await bindMissing(slice);
  if (slice.ending()) return 'more';
  const left = await containersToDo(deps.ledger, slice);
  const isLeft = (op: string): number[] => left.flatMap(({ id, todo }) => (todo.includes(op) ? [id] : []));
  if (isLeft('meta').length > 0) return 'more';
  // What is held back by its rank is not left to this slice: it waits for other units, new or edited alike.
  let waits = false;
  for (const op of ['create', 'update'] as const) {
    const containers = isLeft(op);
    if (containers.length === 0) continue;
    if ((await countToDo(deps.ledger.pool, containers, op, { most: 1, maxRank: slice.maxRank })) > 0) {
      // Nothing else is left: what the source did not give is left alone for a moment.
      if (slice.unread.size > 0) await sleep(deps.settings.rereadMs, slice.signal);
      return 'more';
    }
    waits = true;
  }
  return waits ? ORDER : remove(slice);
}

const ORDER: GateOpened = {
  gate: 'order',
  reason: 'its invitations wait until the organisers’ copies in other accounts have moved',
};

/**
 * Destinations that may be one folder of the target. They are opened before anything is written: a scan for the second
 * would take what is just being written for the first for copies that nobody owns.
 */
function sharing({ selection }: Slice, destinations: readonly Destination[]): readonly Destination[] {
  const seen = new Map<string, number>();
  const names = new Map(
    destinations.map((to) => {
      const { path, role } = wantedContainer(selection, to.row);
      const { targetKey } = to.row;
      return [
        to,
        [JSON.stringify(path), ...(role ? [`role ${role}`] : []), ...(targetKey === null ? [] : [`key ${targetKey}`])],
      ];
    }),
  );
  for (const name of [...names.values()].flat()) seen.set(name, (seen.get(name) ?? 0) + 1);
  return destinations.filter((to) => names.get(to)?.some((name) => (seen.get(name) as number) > 1));
}

/** Enough that neither side waits for the other, and few enough to stop soon. */
const CHUNKS_WAITING = 2;
/** A further connection pays only when there is something for it to do; sooner where each item is a request of its own. */
const ITEMS_PER_LANE = { meta: 200, content: 25 } as const;

async function transfer(slice: Slice, op: Transfer, rows: readonly ContainerRow[]): Promise<void> {
  if (rows.length === 0) return;
  const { deps } = slice;
  const destinations = rows.map((row) => createDestination(slice, row));
  // A target may learn what it can hold from its first container; bodies are fitted as they are read.
  if (slice.target.fit) for (const to of destinations) if (await opens(to, slice.target)) break;
  for (const to of sharing(slice, destinations)) await opens(to, slice.target);
  const perLane = ITEMS_PER_LANE[slice.rules.edits];
  const items = await countToDo(
    deps.ledger.pool,
    rows.map((row) => row.id),
    op,
    { most: slice.lanes() * perLane },
  );
  const lanes = Math.min(slice.lanes(), Math.ceil(items / perLane));
  const chunks = createChannel<Chunk>(CHUNKS_WAITING);
  const stop = new AbortController();
  let seen = 0;
  const deliverAll = async (target: Target<unknown>): Promise<void> => {
    for (let chunk = await chunks.take(); chunk; chunk = await chunks.take()) {
      try {
        await deliver(slice, target, chunk);
      } finally {
        deps.byteBudget.release(chunk.bytes);
      }
      const { failures } = slice.tally;
      if (failures > seen && (await tooManyFailures(slice))) return giveUp();
      seen = failures;
    }
  };
  const giveUp = (): void => {
    // The other connections finish the chunk they have; nobody takes another.
    for (const chunk of chunks.abandon()) deps.byteBudget.release(chunk.bytes);
    stop.abort(new Fault('unavailable', 'the slice was ended by another of its connections'));
  };
  await withLanes(lanes - 1, slice.lane, async (further) => {
    const [reading, ...writing] = await Promise.allSettled([
      feed(slice, op, destinations, chunks, AbortSignal.any([slice.signal, stop.signal])),
      ...[slice.target, ...further].map((target) =>
        deliverAll(target).catch((error) => {
          giveUp();
          throw error;
        }),
      ),
    ]);
    const failed = [...writing, reading].find((result) => result?.status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  });
  for (const to of destinations) await to.close(slice.target);
}

/** False: the target refuses this container. What belongs there fails, the others go on. */
async function opens(to: Destination, target: Target<unknown>): Promise<boolean> {
  try {
    await to.open(target);
    return true;
  } catch (error) {
    if (to.refused === undefined) throw error;
    return false;
  }
}

/** Asked after each chunk: whether failures have become too many. Counts only when there are more than before. */
function failuresWatch(slice: Slice): () => Promise<boolean> {
  let seen = 0;
  return async () => {
    const { failures } = slice.tally;
    if (failures === seen) return false;
    seen = failures;
    return (await tooManyFailures(slice)) !== undefined;
  };
}

/** Fewer failures than this never park a unit. */
const FAILURES_ALLOWED = 10;
export const DEFAULT_MAX_FAILURES = 0.05;

async function tooManyFailures(slice: Slice): Promise<GateOpened | undefined> {
  const passed = failuresPassed(slice.unit);
  // Whoever compares wants to know what stands: what fails beside it holds up nothing.
  if (slice.tally.failures === 0 || passed === Infinity || slice.input.reason === 'verify') return undefined;
  const { failures: all, conflicts, items } = await slice.count();
  // Conflicts are for people to settle one by one; they say nothing about the systems.
  const failures = all - conflicts;
  const share = slice.selection.maxFailures ?? DEFAULT_MAX_FAILURES;
  // Who let so many pass is asked again when they have become twice as many.
  if (failures - passed <= Math.max(FAILURES_ALLOWED, share * items, passed)) return undefined;
  return {
    gate: 'failures',
    reason: `${numberOf(failures)} of ${numberOf(items)} items failed, more than ${passed > 0 ? `twice the ${numberOf(passed)} that were approved` : `the ${Math.round(share * 100)} % that the spec allows`}`,
    next: 'look at `migrate report`; `migrate approve` goes on all the same, `migrate cancel` ends it',
  };
}
