/** The activities as workflows call them: how long each may take, and how it is tried again. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.js';

/**
 * Slices end by themselves, but for a file that the target takes only as a whole; the heartbeat tells within seconds
 * that a worker died.
 */
export const slices = proxyActivities<Pick<Activities, 'surveySlice' | 'moveSlice' | 'verifySlice'>>({
  startToCloseTimeout: '24 hours',
  heartbeatTimeout: '6 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '60 seconds' },
});

/** Many units in one slice; what it does not get done, their own workflows do. */
export const looksAtUnits = proxyActivities<Pick<Activities, 'lookAtUnits'>>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '6 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500 milliseconds', maximumAttempts: 3 },
});

/** Statements on the ledger, and listing accounts. */
export const records = proxyActivities<
  Pick<
    Activities,
    'prepare' | 'keepPart' | 'control' | 'liftBlocks' | 'endUnit' | 'reopenUnits' | 'finishRun' | 'closeRequest'
  >
>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '6 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '300 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

export const reports = proxyActivities<Pick<Activities, 'writeReport'>>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 5 },
});

/** Looks that a person waits for: a few tries, then the reason. */
export const looks = proxyActivities<Pick<Activities, 'plan' | 'doctor' | 'chosenUnits'>>({
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 3 },
});

/** What is removed stays removed, so any try goes on where the one before ended. */
export const upkeep = proxyActivities<Pick<Activities, 'prune' | 'forget'>>({
  startToCloseTimeout: '24 hours',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts: 20 },
});

export const ticks = proxyActivities<Pick<Activities, 'askForRun' | 'findRun'>>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '60 seconds' },
});
