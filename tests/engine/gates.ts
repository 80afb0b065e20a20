/** What the workflow does when a unit waits at a gate, and when a person answers: for worlds, which have no workflow. */
import type { ClosedRun } from '../../engine/run/close-run.js';
import { finishRun } from '../../engine/run/close-run.js';
import { endUnit, reopenUnits } from '../../engine/run/end-units.js';
import type { SliceResult } from '../../engine/slice/slice.js';
import type { World } from './world.js';

interface UnitAt {
  readonly migration: string;
  readonly run: number;
  readonly unit: number;
}

/** The one unit of a world, and the run that called it last. */
export async function unitOf({ deps, spec }: World): Promise<UnitAt> {
  const { rows } = await deps.ledger.pool.query<{ run: number; n: number }>(
    'select run, n from unit where migration = $1',
    [spec.name],
  );
  const [unit] = rows;
  if (!unit || rows.length > 1) throw new Error(`${spec.name} has ${rows.length} units`);
  return { migration: spec.name, run: unit.run, unit: unit.n };
}

/** The unit waits at the gate that a run ended with. */
export async function park(world: World, result: ClosedRun | SliceResult): Promise<void> {
  if (result.state !== 'parked') throw new Error(`the run ended as ${result.state}, not at a gate`);
  const { gate, reason, next } = result;
  const at = await unitOf(world);
  const park = {
    n: at.unit,
    selection: 'mail',
    kind: 'mail' as const,
    gate,
    reason,
    ...(next !== undefined && { next }),
  };
  await endUnit(world.deps, { ...at, state: 'parked', park });
}

/** A person opens the gate, which covers what they were `shown`. The unit goes on with the next `run` of the same request. */
export async function approve(world: World, shown?: ClosedRun | SliceResult): Promise<void> {
  const { migration, run, unit } = await unitOf(world);
  const token = shown && 'covers' in shown ? shown.covers?.token : undefined;
  const covers = token === undefined ? {} : { covers: [[unit, token]] as const };
  await reopenUnits(world.deps, { migration, run, units: [[unit, unit]], by: 'approve', ...covers });
}

/** The unit ends as `state` and its run is closed, as the workflow does when a person cancels it or it fails. */
export async function end(world: World, state: 'failed' | 'cancelled' | 'replaced'): Promise<void> {
  const at = await unitOf(world);
  if (state === 'failed') await endUnit(world.deps, { ...at, state: 'failed', reason: 'the network is down' });
  await finishRun(world.deps, {
    name: at.migration,
    run: at.run,
    state: state === 'failed' ? 'finished' : state,
  });
}
