import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { SliceInput, SliceResult } from '../engine/slice/slice.js';
import type { UnitName } from '../words/accounts.js';
import type { Phase } from '../words/units.js';
import { stepsOf } from '../words/units.js';
import { slices } from './calls.js';
import { describeUnit } from './details.js';
import type { UnitInput, UnitResult } from './messages.js';
import { sliceSummary } from './summaries.js';
import { endOf, failureOf } from './unit-failure.js';

const slice: Record<Phase, typeof slices.surveySlice> = {
  survey: slices.surveySlice,
  move: slices.moveSlice,
  verify: slices.verifySlice,
};

/**
 * One account of a run: survey, move, verify, each in slices. All progress is in the ledger, so a unit that is
 * started again goes on where it was. Cancelling it ends it at a safe point with `stopped`. Fails where items are not
 * verified. Continues as new when its history grows, at `step`.
 */
export async function unit(input: UnitInput & { readonly step?: number }): Promise<UnitResult> {
  if (typeof input?.migration !== 'string')
    throw ApplicationFailure.nonRetryable('the workflow of a unit is started by its migration, with input', 'spec');
  const steps = stepsOf(input.twoWay);
  const call: SliceInput = {
    migration: input.migration,
    run: input.run,
    unit: input.n,
    specHash: input.specHash,
    reason: input.reason,
  };
  let name: UnitName = input;
  let last: Exclude<SliceResult, { readonly state: 'parked' }> | undefined;
  try {
    for (const [at, { phase, back }] of steps.entries()) {
      if (at < (input.step ?? 0)) continue;
      const doing = { phase, ...(back && { back }) };
      do {
        setCurrentDetails(describeUnit(name, doing, last?.counters, last?.troubles));
        const asked = back ? { ...call, back } : call;
        const result: SliceResult = await slice[phase].executeWithOptions({ summary: sliceSummary(name, doing) }, [
          asked,
        ]);
        name = { ...name, ...(result.account !== undefined && { account: result.account }) };
        if (result.state === 'parked') {
          setCurrentDetails(describeUnit(name, result, result.counters));
          return { ...result };
        }
        last = result;
        setCurrentDetails(describeUnit(name, doing, last.counters, last.troubles));
        if (last.state === 'settled' && !input.twoWay) return endOf(last.counters, last.troubles);
        if (last.state === 'paused' || last.state === 'stopped') return { state: last.state, counters: last.counters };
        if (CancellationScope.current().consideredCancelled) return { state: 'stopped', counters: last.counters };
        if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof unit>({ ...input, step: at });
      } while (last.state === 'more');
    }
    if (!last) throw new Error(`unit ${input.n} has no step ${input.step} to go on with`);
    return endOf(last.counters, last.troubles);
  } catch (error) {
    if (isCancellation(error)) return { state: 'stopped' };
    if (error instanceof ContinueAsNew) throw error;
    const failure = failureOf(error);
    setCurrentDetails(describeUnit(name, { reason: messageOf(failure) }, last?.counters, last?.troubles));
    throw failure;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
