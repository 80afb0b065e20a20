/** Who asks for work on the task queue of the migrations, and who was at work and fell silent. */
import type { TemporalAccess } from './temporal.js';

/** A worker as Temporal knows it: one that asked for work, or did some. */
export interface WorkerSeen {
  /** `process@host`, and what tells starts apart. */
  readonly identity: string;
  /** When it last asked, by Temporal's clock, in milliseconds since the epoch. */
  readonly askedAt: number;
}

/** Pollers hang on for one minute at a time. */
const ASKED_MS = 90_000;

/** Workers that asked for work within the last minutes, the latest first. One that was killed just now is among them. */
export async function workersAsking({ client, namespace, taskQueue }: TemporalAccess): Promise<WorkerSeen[]> {
  const WORKFLOW_TASKS = 1;
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASKS,
  });
  const oldest = Date.now() - ASKED_MS;
  return (pollers ?? [])
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      askedAt: Number(lastAccessTime?.seconds ?? 0) * 1000,
    }))
    .filter(({ askedAt }) => askedAt > oldest)
    .sort((a, b) => b.askedAt - a.askedAt);
}

/** Where a worker runs, as people look for it. */
export function placeOf(identity: string): string {
  const host = identity.slice(identity.indexOf('@') + 1);
  const colon = host.lastIndexOf(':');
  return colon > 0 ? `${host.slice(0, colon)} (process ${host.slice(colon + 1)})` : host;
}
