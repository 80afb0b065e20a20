/** Brings a spec to a worker: in what is asked for, or, where it is too large for one message, in parts ahead of it. */
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { canonicalJson } from '../schemas/hash.js';
import { MAX_PARTS, PART_BYTES, packSpec } from '../schemas/packed-spec.js';
import type { Spec } from '../schemas/spec.js';
import { makePartId } from '../workflows/messages.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { TemporalAccess } from './temporal.js';

/** Of JSON. Up to here a spec can be read, and typed by hand, in the Web UI. */
const MAX_INLINE_BYTES = 100_000;

export interface SentSpec {
  /** What the message itself carries beside the spec's hash. */
  readonly carried: { readonly spec?: Spec };
  /** Workflows that bring the parts to the ledger: each needs a worker, and ends by itself. */
  readonly parts: readonly WorkflowHandle[];
}

/**
 * Parts are with Temporal before anything that needs them is asked for: a command that is killed between them leaves
 * nothing that waits. The same ones again are the same workflows. Throws `CommandError` when the spec is too large.
 */
export async function sendSpec(temporal: TemporalAccess, spec: Spec, signal: AbortSignal): Promise<SentSpec> {
  const bytes = Buffer.byteLength(canonicalJson(spec));
  if (bytes <= MAX_INLINE_BYTES) return { carried: { spec }, parts: [] };
  if (bytes > MAX_PARTS * PART_BYTES) throw tooLarge(spec, bytes);
  const parts: WorkflowHandle[] = [];
  for (const part of packSpec(spec)) {
    signal.throwIfAborted();
    parts.push(
      await temporal.client.workflow.start('part', {
        workflowId: makePartId(part.hash, part.part),
        taskQueue: temporal.taskQueue,
        args: [part],
        staticSummary: `part ${part.part} of ${part.of} of the accounts of ${spec.name}`,
        typedSearchAttributes: [{ key: migrationKey, value: spec.name }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      }),
    );
  }
  return { carried: {}, parts };
}

const migrationKey = defineSearchAttributeKey('DroverMigration', 'KEYWORD');

function tooLarge(spec: Spec, bytes: number): CommandError {
  return new CommandError(
    exitCodes.invalidSpec,
    `the spec "${spec.name}" with its accounts is ${Math.ceil(bytes / 1e6)} MB; at most ${(MAX_PARTS * PART_BYTES) / 1e6} MB are taken`,
    'split the accounts over several specs with different names; they share the limits of their systems',
  );
}
