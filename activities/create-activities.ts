/** The activities a worker offers: thin wrappers that give plain functions Temporal's signal and heartbeat. */
import { Context } from '@temporalio/activity';
import type { WorkflowClient } from '@temporalio/client';
import type { SpecPart } from '../schemas/packed-spec.js';
import type { Check } from '../words/check.js';
import type { PlanResult } from '../words/plan.js';
import type { SliceHeartbeat } from '../words/progress.js';
import type { DoctorInput, PlanInput, RunResult, TickInput } from '../workflows/messages.js';
import { atBoundary } from './boundary.js';
import type { Deps } from './deps.js';
import { doctor } from './doctor.js';
import { liftBlocksOf } from './lift-blocks.js';
import { move } from './move.js';
import { plan } from './plan/plan.js';
import type {
  ClosedRun,
  CloseRunInput,
  ControlInput,
  OpenGateInput,
  Prepared,
  PrepareInput,
  UnitEnd,
} from './prepare.js';
import { control, endUnit, finishRun, passGate, prepare } from './prepare.js';
import { runSlice } from './slice/run-slice.js';
import type { Slice, SliceInput, SliceResult, WorkResult } from './slice.js';
import { keepPart } from './specs.js';
import { survey } from './survey.js';
import { askForRun, awaitRun } from './tick.js';
import { verify } from './verify.js';
import { writeRunReport } from './write-report.js';

export interface Activities {
  keepPart(input: SpecPart): Promise<void>;
  prepare(input: PrepareInput): Promise<Prepared>;
  control(input: ControlInput): Promise<void>;
  /** Answers whether a system of this spec was to be left alone. */
  liftBlocks(specHash: string): Promise<boolean>;
  surveySlice(input: SliceInput): Promise<SliceResult>;
  moveSlice(input: SliceInput): Promise<SliceResult>;
  verifySlice(input: SliceInput): Promise<SliceResult>;
  endUnit(input: UnitEnd): Promise<void>;
  passGate(input: OpenGateInput): Promise<void>;
  finishRun(input: CloseRunInput): Promise<ClosedRun>;
  writeReport(input: { readonly name: string; readonly run: number }): Promise<string | null>;
  plan(input: PlanInput): Promise<PlanResult>;
  doctor(input: DoctorInput): Promise<Check[]>;
  askForRun(input: TickInput): Promise<void>;
  awaitRun(input: TickInput): Promise<RunResult>;
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
    prepare: (input) => guarded((context) => beating(context, () => prepare(deps, input, context.cancellationSignal))),
    liftBlocks: (specHash) => guarded((context) => beating(context, () => liftBlocksOf(deps, specHash))),
    control: (input) => guarded((context) => beating(context, () => control(deps, input))),
    surveySlice: (input) => slice(input, 'survey', survey),
    moveSlice: (input) => slice(input, 'move', move),
    verifySlice: (input) => slice(input, 'verify', verify),
    endUnit: (input) => guarded((context) => beating(context, () => endUnit(deps, input))),
    passGate: (input) => guarded((context) => beating(context, () => passGate(deps, input))),
    finishRun: (input) => guarded((context) => beating(context, () => finishRun(deps, input))),
    writeReport: (input) => guarded((context) => beating(context, () => writeRunReport(deps, input))),
    plan: (input) =>
      guarded((context) =>
        beating(context, () => plan(deps, input, context.cancellationSignal, () => context.heartbeat())),
      ),
    doctor: (input) => guarded((context) => beating(context, () => doctor(deps, input, context.cancellationSignal))),
    askForRun: (input) =>
      guarded((context) =>
        askForRun(client, {
          ...input,
          request: context.info.workflowExecution?.runId ?? input.schedule,
          taskQueue: context.info.taskQueue,
        }),
      ),
    awaitRun: (input) => guarded((context) => beating(context, () => awaitRun(client, input.name))),
  };
}
