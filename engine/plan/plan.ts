/** Plan: what a run would do, container by container, without writing anything anywhere. */
import { Fault } from '../../connectors/errors.js';
import type { PlanInput, PlanResult } from '../../words/plan.js';
import type { Deps } from '../deps.js';
import { arrivedSpec } from '../run/specs.js';
import { whom } from '../run/whom.js';
import { createDeletions } from './deletions.js';
import { createGrouping } from './grouped.js';
import { createOutlook } from './outlook.js';
import { createRemarks, whereOf } from './remarks.js';
import { planUnit } from './unit.js';

/** Looks at every account of the spec; an account that cannot be opened is a problem, not the end. */
export async function plan(deps: Deps, input: PlanInput, signal: AbortSignal, beat: () => void): Promise<PlanResult> {
  const spec = input.spec ?? (await arrivedSpec(deps, input.specHash));
  const grouping = createGrouping();
  const remarks = createRemarks(deps);
  const outlook = createOutlook(spec);
  const deletions = input.deletions ? createDeletions() : undefined;
  for (const { selection, accounts } of await whom(deps, spec, input, signal)) {
    grouping.begin(selection, accounts.length);
    for (const { n: unit, account } of accounts) {
      const planned = { spec, selection, account, unit, dryRun: input.dryRun, ...(deletions && { deletions }) };
      try {
        for await (const row of planUnit(deps, planned, remarks, outlook, signal)) {
          beat();
          grouping.add(row);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        remarks.fault(whereOf(selection.name, unit, account), error);
      }
    }
  }
  const { totals, selections, folders, accounts, containers, truncated } = grouping.result();
  const names = remarks.names();
  const leftOut = remarks.leftOut.all();
  const forecast = outlook.forecast(Date.now());
  return {
    name: spec.name,
    selections,
    folders,
    accounts,
    containers,
    problems: [...remarks.problems(), ...outlook.problems()],
    notes: remarks.notes(),
    totals,
    truncated,
    ...(names && { names }),
    ...(leftOut.length > 0 && { leftOut }),
    ...(forecast && { forecast }),
    ...(deletions && { deletions: deletions.result() }),
  };
}
