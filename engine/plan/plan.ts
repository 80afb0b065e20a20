/** Plan: what a run would do, container by container, without writing anything anywhere. */
import { Fault } from '../../connectors/errors.js';
import type { PlanContainer, PlanInput, PlanResult, PlanTotals, PlanVolume } from '../../words/plan.js';
import type { Deps } from '../deps.js';
import { arrivedSpec } from '../run/specs.js';
import { whom } from '../run/whom.js';
import type { Volume } from './look.js';
import { noVolume } from './look.js';
import { createOutlook } from './outlook.js';
import { createRemarks } from './remarks.js';
import { planUnit } from './unit.js';

const MAX_CONTAINERS = 2_000;
/** Of what is listed, as JSON: problems and remarks have to fit beside it into one message of Temporal. */
const MAX_LISTED_BYTES = 800_000;

const COUNTED = [
  'create',
  'update',
  'remove',
  'moved',
  'unchanged',
  'adopt',
  'compare',
  'skip',
  'conflict',
  'refuse',
  'changedThere',
  'bytes',
] as const satisfies readonly Exclude<keyof PlanTotals, 'make' | 'volume'>[];

/** Looks at every account of the spec; an account that cannot be opened is a problem, not the end. */
export async function plan(deps: Deps, input: PlanInput, signal: AbortSignal, beat: () => void): Promise<PlanResult> {
  const spec = input.spec ?? (await arrivedSpec(deps, input.specHash));
  const containers: PlanContainer[] = [];
  const remarks = createRemarks(deps);
  const outlook = createOutlook(spec);
  let volume: PlanVolume | undefined;
  const totals = { make: 0, ...Object.fromEntries(COUNTED.map((key) => [key, 0])) } as {
    -readonly [K in Exclude<keyof PlanTotals, 'volume'>]: number;
  };
  let room = MAX_LISTED_BYTES;
  let truncated = false;
  for (const { selection, accounts } of await whom(deps, spec, input, signal)) {
    for (const { n: unit, account } of accounts) {
      const planned = { spec, selection, account, unit, dryRun: input.dryRun };
      try {
        for await (const row of planUnit(deps, planned, remarks, outlook, signal)) {
          beat();
          for (const key of COUNTED) totals[key] += row[key];
          if (row.make) totals.make++;
          if (row.volume) volume = addVolume(volume, row.volume);
          room -= JSON.stringify(row).length;
          if (room >= 0 && containers.length < MAX_CONTAINERS) containers.push(row);
          else truncated = true;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        remarks.fault(`${selection.name}, unit ${unit}`, error);
      }
    }
  }
  const names = remarks.names();
  const leftOut = remarks.leftOut.all();
  const forecast = outlook.forecast(Date.now());
  return {
    name: spec.name,
    containers,
    problems: [...remarks.problems(), ...outlook.problems()],
    notes: remarks.notes(),
    totals: { ...totals, ...(volume && { volume }) },
    truncated,
    ...(names && { names }),
    ...(leftOut.length > 0 && { leftOut }),
    ...(forecast && { forecast }),
  };
}

function addVolume(sum: PlanVolume = noVolume(), row: PlanVolume): PlanVolume {
  const added: Volume = { ...sum };
  for (const key of Object.keys(added) as (keyof PlanVolume)[]) added[key] += row[key];
  return added;
}
