/** The activities a worker offers: thin wrappers that give plain functions Temporal's signal and heartbeat. */

import { Context } from '@temporalio/activity';
import type { WorkflowClient } from '@temporalio/client';
import type { Deps } from '../engine/deps.js';
import { doctor } from '../engine/doctor/doctor.js';
import { move } from '../engine/move.js';
import { plan } from '../engine/plan/plan.js';
import { chosenUnits } from '../engine/run/chosen-units.js';
import type { ClosedRun, CloseRunInput } from '../engine/run/close-run.js';
import { closeRequest, finishRun } from '../engine/run/close-run.js';
import type { ControlInput } from '../engine/run/control.js';
import { control } from '../engine/run/control.js';
import type { ReopenInput, UnitEnd } from '../engine/run/end-units.js';
import { endUnit, reopenUnits } from '../engine/run/end-units.js';
import type { Retry } from '../engine/run/lift-blocks.js';
import { liftBlocksOf } from '../engine/run/lift-blocks.js';
import { lookAtUnits } from '../engine/run/look-at-units.js';
import type { PrepareInput } from '../engine/run/open-run.js';
import { prepare } from '../engine/run/open-run.js';
import { keepPart } from '../engine/run/specs.js';
import { writeRunReport } from '../engine/run/write-report.js';
import { runSlice } from '../engine/slice/run-slice.js';
import type { Slice, SliceInput, SliceResult, WorkResult } from '../engine/slice/slice.js';
import { survey } from '../engine/survey/survey.js';
import { forget } from '../engine/upkeep/forget.js';
import { prune } from '../engine/upkeep/prune.js';
import { verify } from '../engine/verify.js';
import type { Step } from '../ledger/events.js';
import type { Choice } from '../schemas/choice.js';
import type { SpecPart } from '../schemas/packed-spec.js';
import type { Check, DoctorInput, DoctorProgress } from '../words/check.js';
import type { PlanInput, PlanResult } from '../words/plan.js';
import type { SliceHeartbeat } from '../words/progress.js';
import type { Ranges } from '../words/ranges.js';
import type { LookInput, LookResult, Prepared, RunResult, RunSum } from '../words/runs.js';
import type { ForgetInput, ForgetResult, PruneInput, PruneResult } from '../words/upkeep.js';
import { atBoundary } from './boundary.js';
import type { AskInput } from './tick.js';
import { askForRun, findRun, isOpen } from './tick.js';

export interface Activities {
  keepPart(input: SpecPart): Promise<void>;
  prepare(input: PrepareInput): Promise<Prepared>;
  control(input: ControlInput): Promise<void>;
  /** Answers whether a system of this spec was to be left alone. */
  liftBlocks(specHash: string, retry?: Retry): Promise<boolean>;
  /** Ends units that have nothing to do; the others are left to their workflows. */
  lookAtUnits(input: LookInput): Promise<LookResult>;
  surveySlice(input: SliceInput): Promise<SliceResult>;
  moveSlice(input: SliceInput): Promise<SliceResult>;
  verifySlice(input: SliceInput): Promise<SliceResult>;
  endUnit(input: UnitEnd): Promise<RunSum>;
  reopenUnits(input: ReopenInput): Promise<void>;
  finishRun(input: CloseRunInput): Promise<ClosedRun>;
  closeRequest(input: Parameters<typeof closeRequest>[1]): Promise<ClosedRun | null>;
  writeReport(input: { readonly name: string; readonly run: number }): Promise<string | null>;
  chosenUnits(input: Choice & { readonly name: string }): Promise<Ranges>;
  plan(input: PlanInput): Promise<PlanResult>;
  doctor(input: DoctorInput): Promise<Check[]>;
  prune(input: PruneInput): Promise<PruneResult>;
  forget(input: ForgetInput): Promise<ForgetResult>;
  askForRun(input: AskInput): Promise<void>;
  findRun(input: AskInput): Promise<RunResult | null>;
}

/** One command of a workflow, however often it is tried. */
function stepOf({ info }: Context): Step {
  return { id: `${info.workflowExecution?.runId}/${info.activityId}`, again: info.attempt > 1 };
}

export function createActivities(deps: Deps, client: WorkflowClient): Activities {
  const guarded = <T>(body: (context: Context) => Promise<T>): Promise<T> => {
    const context = Context.current();
    return atBoundary(deps.redact, () => body(context));
  };
  /** Heartbeats for work that knows nothing of them: without, a killed worker's work would be missed only at its timeout. */
  const beating = async <T>(context: Context, work: () => Promise<T>, details?: () => unknown): Promise<T> => {
    const timer = setInterval(() => context.heartbeat(details?.()), 1_000);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  };
  const slice = (input: SliceInput, phase: 'survey' | 'move' | 'verify', work: (slice: Slice) => Promise<WorkResult>) =>
    guarded((context) => {
      let last: SliceHeartbeat | undefined;
      const run = () =>
        runSlice(deps, input, phase, work, {
          signal: context.cancellationSignal,
          heartbeat: (details) => {
            last = details;
            context.heartbeat(details);
          },
        });
      // It waits, too, for slots, servers and its lease, before it has anything to tell.
      return beating(context, run, () => last);
    });
  return {
    keepPart: (input) => guarded((context) => beating(context, () => keepPart(deps, input))),
    prepare: (input) =>
      guarded((context) => {
        const waitedMs = Date.now() - context.info.scheduledTimestampMs;
        const execution = context.info.workflowExecution?.runId;
        const opening = { ...input, ...(execution !== undefined && { execution }) };
        return beating(context, () => prepare(deps, opening, context.cancellationSignal, waitedMs));
      }),
    liftBlocks: (specHash, retry) =>
      guarded((context) => beating(context, () => liftBlocksOf(deps, specHash, retry, stepOf(context)))),
    control: (input) => guarded((context) => beating(context, () => control(deps, input, stepOf(context)))),
    lookAtUnits: (input) =>
      guarded((context) =>
        lookAtUnits(deps, input, {
          signal: context.cancellationSignal,
          heartbeat: (details) => context.heartbeat(details),
        }),
      ),
    surveySlice: (input) => slice(input, 'survey', survey),
    moveSlice: (input) => slice(input, 'move', move),
    verifySlice: (input) => slice(input, 'verify', verify),
    endUnit: (input) => guarded((context) => beating(context, () => endUnit(deps, input))),
    reopenUnits: (input) => guarded((context) => beating(context, () => reopenUnits(deps, input, stepOf(context)))),
    finishRun: (input) => guarded((context) => beating(context, () => finishRun(deps, input))),
    closeRequest: (input) => guarded((context) => beating(context, () => closeRequest(deps, input))),
    writeReport: (input) => guarded((context) => beating(context, () => writeRunReport(deps, input))),
    chosenUnits: (input) => guarded((context) => beating(context, () => chosenUnits(deps, input))),
    plan: (input) =>
      guarded((context) =>
        beating(context, () => plan(deps, input, context.cancellationSignal, () => context.heartbeat())),
      ),
    doctor: (input) =>
      guarded((context) => {
        let last: DoctorProgress | undefined;
        const look = () => doctor(deps, input, context.cancellationSignal, (progress) => (last = progress));
        return beating(context, look, () => last);
      }),
    prune: (input) => guarded((context) => beating(context, () => prune(deps, input, context.cancellationSignal))),
    forget: (input) =>
      guarded((context) => {
        const asked = { isRunning: () => isOpen(client, input.name), isRetry: context.info.attempt > 1 };
        return beating(context, () => forget(deps, input, asked, context.cancellationSignal));
      }),
    askForRun: (input) => guarded((context) => askForRun(client, input, context.info.taskQueue)),
    findRun: (input) => guarded(() => findRun(client, deps.ledger, input)),
  };
}
