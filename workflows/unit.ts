import {
  ActivityFailure,
  CancellationScope,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { SliceInput, SliceResult } from '../engine/slice/slice.js';
import type { Phase } from '../words/units.js';
import { stepsOf } from '../words/units.js';
import { slices } from './calls.js';
import { describeCounters } from './details.js';
import type { UnitInput, UnitResult } from './messages.js';

const slice: Record<Phase, (input: SliceInput) => Promise<SliceResult>> = {
  survey: slices.surveySlice,
  move: slices.moveSlice,
  verify: slices.verifySlice,
};

/**
 * One account of a run: survey, move, verify, each in slices. All progress is in the ledger, so a unit that is
 * started again goes on where it was. Cancelling it ends it at a safe point with `stopped`. Continues as new when
 * its history grows, at `step`.
 */
export async function unit(input: UnitInput & { readonly step?: number }): Promise<UnitResult> {
  const steps = stepsOf(input.twoWay);
  const call: SliceInput = {
    migration: input.migration,
    run: input.run,
    unit: input.n,
    specHash: input.specHash,
    reason: input.reason,
  };
  try {
    let last: SliceResult | undefined;
    for (const [at, { phase, back }] of steps.entries()) {
      if (at < (input.step ?? 0)) continue;
      do {
        last = await slice[phase](back ? { ...call, back } : call);
        if (last.state === 'parked') return { ...last };
        setCurrentDetails(describeCounters(phase, last.counters, last.troubles));
        if (last.state === 'settled' && !input.twoWay) return { state: 'done', counters: last.counters };
        if (last.state === 'paused' || last.state === 'stopped') return { state: last.state, counters: last.counters };
        if (CancellationScope.current().consideredCancelled) return { state: 'stopped', counters: last.counters };
        if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof unit>({ ...input, step: at });
      } while (last.state === 'more');
    }
    if (!last || last.state === 'parked') return { state: 'failed', reason: 'the unit had no phase to run' };
    return { state: 'done', counters: last.counters };
  } catch (error) {
    if (isCancellation(error)) return { state: 'stopped' };
    if (error instanceof ActivityFailure) return { state: 'failed', reason: error.cause?.message ?? error.message };
    throw error;
  }
}
