/**
 * Whether whoever works for a command is still there. What a worker has done counts, and nothing else: Temporal hands
 * tasks to a frozen one as well, again and again.
 */
import { isHeartbeatTimeout, isTimeout, millis } from './slices.js';

/** What Temporal tells of a short workflow. */
export interface WorkSeen {
  readonly pendingActivities?: readonly PendingActivity[] | null;
}

interface PendingActivity {
  readonly state?: number | null;
  readonly attempt?: number | null;
  readonly lastHeartbeatTime?: Parameters<typeof millis>[0];
  readonly lastFailure?: Parameters<typeof isTimeout>[0];
  readonly lastWorkerIdentity?: string | null;
}

export interface Watched {
  /** For so long nothing was heard of whoever should be at it. */
  readonly silentMs: number;
  /** No worker has taken it; the workflow that asks for it may have been. */
  readonly isUntaken: boolean;
  readonly worker?: string;
}

export interface Vigil {
  note(at: number, seen: WorkSeen): Watched;
  /** A worker was heard of otherwise. */
  hear(at: number): void;
}

export function createVigil(startedAt: number): Vigil {
  let heardAt = startedAt;
  let last = '';
  return {
    note(at, { pendingActivities }) {
      const activities = pendingActivities ?? [];
      const sign = activities.map(signOf).join();
      // That it is over is not told here.
      if (sign !== last) heardAt = at;
      last = sign;
      const [activity] = activities;
      const worker = activity?.lastWorkerIdentity;
      return {
        silentMs: at - heardAt,
        isUntaken:
          activity === undefined || (activity.state === SCHEDULED && !isHeartbeatTimeout(activity.lastFailure)),
        ...(worker && { worker }),
      };
    },
    hear(at) {
      heardAt = at;
    },
  };
}

/** temporal.api.enums.v1.PendingActivityState */
const SCHEDULED = 1;

/** Changes only with what a worker did: it asked for this work, told where it is, or failed at it. */
function signOf({ lastHeartbeatTime, lastFailure, attempt }: PendingActivity): string {
  const failed = lastFailure && !isTimeout(lastFailure) ? ` failed ${attempt}` : '';
  return `asked ${millis(lastHeartbeatTime)}${failed}`;
}
