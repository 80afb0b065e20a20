/** Move: everything that survey found to do, container by container, in batches that overlap. */
import type { Target, Write } from '../connectors/contract.js';
import { excuseBatch, openBatch, settleBatch } from '../ledger/batches.js';
import { containersToDo } from '../ledger/containers.js';
import { hasFound } from '../ledger/found.js';
import { hasDeparted, nextItems } from '../ledger/items.js';
import type { ItemRow, Settlement } from '../ledger/items.js';
import { writeOutcomes } from '../ledger/events.js';
import { countUnit } from '../ledger/units.js';
import { bindContainer, bindMissing } from './bind.js';
import type { Bound } from './bind.js';
import { createChannel } from './channel.js';
import type { Held } from './connections.js';
import { deliver } from './deliver.js';
import type { Destination } from './deliver.js';
import { feed } from './feed.js';
import type { Lot } from './feed.js';
import type { GateOpened } from './gate-of.js';
import { recover } from './recover.js';
import { remove } from './remove.js';
import { exceptions } from './settle.js';
import type { Slice } from './slice.js';

export async function move(slice: Slice): Promise<'more' | 'done' | GateOpened> {
  const { deps, pairing } = slice;
  await recover(slice);
  await bindMissing(slice);
  const extra: Held<Target<unknown>>[] = [];
  let healthy = false;
  try {
    for (const row of await containersToDo(deps.ledger, pairing.id)) {
      const todo = row.todo.filter((work) => work === 'create' || work === 'meta');
      if (todo.length === 0) continue;
      if (slice.ending()) break;
      const bound = await bindContainer(slice, row);
      if (todo.includes('create')) await create(slice, bound, extra);
      if (todo.includes('meta') && !slice.ending()) await changeMeta(slice, bound);
      const gate = await tooManyFailures(slice);
      if (gate) return gate;
    }
    healthy = !slice.signal.aborted;
  } finally {
    await Promise.all(extra.map((lane) => lane.done(healthy)));
  }
  if (slice.ending()) return 'more';
  const left = await containersToDo(deps.ledger, pairing.id);
  if (left.some((row) => row.todo.some((work) => work === 'create' || work === 'meta'))) return 'more';
  return remove(slice);
}

const LOTS_WAITING = 2;
/** A second connection pays only when there is something for it to do. */
const ITEMS_PER_LANE = 200;

async function create(slice: Slice, bound: Bound, extra: Held<Target<unknown>>[]): Promise<void> {
  const { deps, pairing } = slice;
  const to: Destination = {
    bound,
    anchor: await slice.target.anchor(bound.target, slice.signal),
    hasStrays: await hasFound(deps.ledger.pool, pairing.target, bound.targetKey),
    hasDeparted: await hasDeparted(deps.ledger.pool, pairing.id),
    moved: new Set(),
  };
  const many = (await nextItems(deps.ledger.pool, bound.id, 'create', undefined, ITEMS_PER_LANE + 1)).length > ITEMS_PER_LANE;
  while (many && extra.length + 1 < slice.lanes()) {
    const lane = await slice.lane();
    if (!lane) break;
    extra.push(lane);
  }
  const lots = createChannel<Lot>(LOTS_WAITING);
  const stop = new AbortController();
  const signal = AbortSignal.any([slice.signal, stop.signal]);
  const deliverAll = async (target: Target<unknown>): Promise<void> => {
    for (let lot = await lots.take(); lot; lot = await lots.take()) {
      try {
        await deliver(slice, to, target, lot);
      } finally {
        deps.flight.give(lot.bytes);
      }
    }
  };
  const fail = (error: unknown): never => {
    // The other connections finish the lot they have; nobody takes another.
    for (const lot of lots.abandon()) deps.flight.give(lot.bytes);
    throw error;
  };
  const targets = [slice.target, ...(many ? extra.map((lane) => lane.session) : [])];
  const results = await Promise.allSettled([
    feed(slice, bound, lots, signal),
    ...targets.map((target) => deliverAll(target).catch(fail)),
  ]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

const META_PAGE = 500;

/** Carries changed flags over: only what changed since we last wrote, so that a person's own changes stay. */
async function changeMeta(slice: Slice, bound: Bound): Promise<void> {
  const { deps, lease, input, signal } = slice;
  for (;;) {
    const items = await nextItems(deps.ledger.pool, bound.id, 'meta', undefined, META_PAGE);
    if (items.length === 0 || slice.ending()) return;
    const byKey = new Map(items.map((item) => [item.key, item]));
    const intent = { container: bound.id, op: 'meta' as const, anchor: '', keys: items.map((i) => i.key), digests: items.map(() => '') };
    const batch = { ...intent, blameless: false, id: await openBatch(deps.ledger, lease, intent) };
    const writes = items.map((item): Write<unknown> => ({
      op: 'meta', token: item.key, ref: item.targetRef as string, base: item.base ?? {}, meta: item.meta,
    }));
    const settled: Settlement[] = [];
    try {
      for await (const answer of slice.target.write(bound.target, writes, signal)) {
        const item = byKey.get('refused' in answer ? answer.refused : answer.token) as ItemRow;
        const todo = item.proof === null ? ('verify' as const) : null;
        settled.push(
          'refused' in answer
            ? { key: item.key, todo: null, outcome: 'skipped', reason: deps.redact(answer.reason) }
            : { key: item.key, todo, base: answer.meta ?? item.meta, ...(answer.notes?.length ? { reason: answer.notes.join('; ') } : {}) },
        );
      }
    } catch (error) {
      await excuseBatch(deps.ledger, batch.id);
      throw error;
    }
    await settleBatch(deps.ledger, lease, batch, settled, input.run, (sql) =>
      writeOutcomes(sql, input, [
        ...exceptions(bound.id, settled),
        ...settled.filter((s) => s.outcome === undefined).map((s) => ({ container: bound.id, key: s.key, what: 'updated' })),
      ]),
    );
    slice.tally.items += settled.length;
  }
}

/** Fewer failures than this never park a unit. */
const FAILURES_ALLOWED = 10;
export const DEFAULT_MAX_FAILURES = 0.05;

async function tooManyFailures(slice: Slice): Promise<GateOpened | undefined> {
  if (slice.tally.failures === 0 || slice.unit.approved) return undefined;
  const { failures, items } = await countUnit(slice.deps.ledger.pool, slice.pairing.id, slice.input.run);
  const share = slice.selection.maxFailures ?? DEFAULT_MAX_FAILURES;
  if (failures <= Math.max(FAILURES_ALLOWED, share * items)) return undefined;
  return {
    gate: 'failures',
    reason: `${failures} of ${items} items failed, more than the ${Math.round(share * 100)} % that the spec allows`,
    next: 'look at `migrate report`; `migrate approve` goes on all the same, `migrate cancel` ends it',
  };
}
