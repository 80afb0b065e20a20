/** What `migrate apply` asks Temporal for. */
import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { readResult } from '../../cli/migration.js';
import { specHash } from '../../schemas/hash.js';
import type { Spec } from '../../schemas/spec.js';
import type { RunRequest, RunResult } from '../../words/runs.js';
import { makeMigrationId } from '../../workflows/messages.js';
import type { migration } from '../../workflows/migration.js';

/** Its `result` is that of the run, however the run ended: one that is not done fails its workflow. */
export type Migration = WorkflowHandleWithFirstExecutionRunId<typeof migration>;

export async function applySpec(client: Client, taskQueue: string, spec: Spec): Promise<Migration> {
  const request: RunRequest = { id: randomUUID(), reason: 'apply', spec, specHash: specHash(spec) };
  const workflowId = makeMigrationId(spec.name);
  const handle = await client.workflow.start<typeof migration>('migration', {
    workflowId,
    taskQueue,
    args: [{ name: spec.name, queue: [request] }],
    memo: { specHash: specHash(spec) },
  });
  const result = async (): Promise<RunResult> => {
    const end = await readResult(client.workflow.getHandle<typeof migration>(workflowId, undefined));
    if ('reason' in end) throw new Error(`the migration "${spec.name}" ended without a result: ${end.reason}`);
    return end.result;
  };
  return { ...handle, result };
}
