/** The slice that a unit is at: what it tells of itself, and whether whoever works on it is still there. */
import { WorkflowNotFoundError } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { SliceHeartbeat } from '../words/progress.js';
import { makeUnitId } from '../workflows/messages.js';
import type { TemporalAccess } from './temporal.js';
import { isAway, until } from './with-temporal.js';

/** A unit's pending activity, as Temporal tells of it. Times are Temporal's, in milliseconds since the epoch. */
export interface SliceSeen {
  readonly heartbeat?: SliceHeartbeat;
  /** It is from this attempt. */
  readonly isBeating: boolean;
  /** Why its attempt before this one failed. */
  readonly failure?: string;
  readonly attempt: number;
  /** Nobody has it yet: neither for the first time, nor after an attempt that failed. */
  readonly isScheduled: boolean;
  /** When somebody is to take it up, again or for the first time. */
  readonly dueAt: number;
  /** When something was last heard of it: it was taken up, or told where it is. */
  readonly heardAt: number;
  /** Its attempt before this one fell silent: whoever worked on it was killed, or cut off. */
  readonly wasLost: boolean;
  readonly worker: string;
}

const ANSWER_MS = 3_000;

/** Undefined when no slice is under way, or the server is busy: the next second asks again. */
export async function readSlice(
  { client }: TemporalAccess,
  name: string,
  n: number,
  signal: AbortSignal,
): Promise<SliceSeen | undefined> {
  try {
    const { raw } = await until(signal, client, () =>
      client.connection.withDeadline(Date.now() + ANSWER_MS, () =>
        client.workflow.getHandle(makeUnitId(name, n)).describe(),
      ),
    );
    const [activity] = raw.pendingActivities ?? [];
    if (!activity) return undefined;
    const { loadedDataConverter } = client.options;
    const [details] = await decodeArrayFromPayloads(loadedDataConverter, activity.heartbeatDetails?.payloads);
    const isScheduled = activity.state === SCHEDULED;
    const failure = activity.lastFailure?.message;
    const wasLost = isHeartbeatTimeout(activity.lastFailure);
    return {
      ...(isHeartbeat(details) && { heartbeat: details }),
      ...(failure && !wasLost && { failure }),
      isBeating:
        isHeartbeat(details) && !isScheduled && millis(activity.lastHeartbeatTime) >= millis(activity.lastStartedTime),
      attempt: activity.attempt ?? 1,
      isScheduled,
      dueAt: Math.max(millis(activity.scheduledTime), millis(activity.nextAttemptScheduleTime)),
      heardAt: Math.max(millis(activity.lastStartedTime), millis(activity.lastHeartbeatTime)),
      wasLost,
      worker: activity.lastWorkerIdentity ?? '',
    };
  } catch (error) {
    // The unit ended between the two questions.
    if (error instanceof WorkflowNotFoundError || isAway(error) || signal.aborted) return undefined;
    throw error;
  }
}

/** temporal.api.enums.v1: PendingActivityState, TimeoutType. */
const SCHEDULED = 1;
const HEARTBEAT = 4;

/** A time of Temporal's, in milliseconds since the epoch. */
export const millis = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  time ? Number(time.seconds ?? 0) * 1000 + Math.floor((time.nanos ?? 0) / 1_000_000) : 0;

type Failed = { readonly timeoutFailureInfo?: { readonly timeoutType?: number | null } | null } | null | undefined;

export const isTimeout = (failure: Failed): boolean => Boolean(failure?.timeoutFailureInfo);

export const isHeartbeatTimeout = (failure: Failed): boolean => failure?.timeoutFailureInfo?.timeoutType === HEARTBEAT;

function isHeartbeat(details: unknown): details is SliceHeartbeat {
  return typeof details === 'object' && details !== null && 'phase' in details && 'counters' in details;
}
