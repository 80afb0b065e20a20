/** Hands a run to Temporal: starts the migration, attaches to it, or asks the running one for it. */
import { randomUUID } from 'node:crypto';
import {
  defineSearchAttributeKey,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/common';
import type { Choice } from '../schemas/choice.js';
import { isPart, isSameChoice } from '../schemas/choice.js';
import type { Spec } from '../schemas/spec.js';
import { plural } from '../words/numbers.js';
import type { RunReason, RunRequest } from '../words/runs.js';
import type { MigrationInput, Progress } from '../workflows/messages.js';
import { makeMigrationId, requestSignal } from '../workflows/messages.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { findMigration, isRunning, migrationHandle, readProgress } from './migration.js';
import { sendSpec } from './send-spec.js';
import type { TemporalAccess } from './temporal.js';

const migrationKey = defineSearchAttributeKey('DroverMigration', 'KEYWORD');
const stateKey = defineSearchAttributeKey('DroverState', 'KEYWORD');

export type Submission =
  /** A new execution. */
  | 'started'
  /** The very run is under way already. */
  | 'attached'
  /** The running migration will do it when it is through with what it does. */
  | 'queued'
  /** The running migration stops at a safe point and goes on with this spec. */
  | 'replacing';

/**
 * Submits a spec, once: the same spec again attaches to the run under way. Throws `CommandError` when another
 * spec is running and `replace` is false, and when the spec is too large.
 */
export async function submitSpec(
  temporal: TemporalAccess,
  spec: Spec,
  specHash: string,
  { replace, choice }: { readonly replace: boolean; readonly choice: Choice },
  signal: AbortSignal,
): Promise<Submission> {
  const { carried } = await sendSpec(temporal, spec, signal);
  const request: RunRequest = { id: randomUUID(), reason: 'apply', ...carried, specHash, ...choice };
  for (;;) {
    if (await start(temporal, spec.name, request, { specHash, details: describeSpec(spec, choice) })) return 'started';
    const found = await findMigration(temporal, spec.name);
    // It ended between the two calls: the next start succeeds.
    if (!found || !isRunning(found)) continue;
    const progress = await readProgress(temporal, spec.name, signal);
    signal.throwIfAborted();
    const running = progress?.specHash || found.memo?.specHash;
    if (!running) {
      // Started by a schedule a moment ago: which spec it takes is not known yet, so this run waits its turn.
      if (await ask(temporal, spec.name, { ...request, replace })) return replace ? 'replacing' : 'queued';
    } else if (running === specHash) {
      // Nobody answers for it: what runs may be the whole, or another part.
      if (progress === undefined ? !isPart(choice) : isUnderWay(progress, choice)) return 'attached';
      if (await ask(temporal, spec.name, request)) return 'queued';
    } else if (replace) {
      if (await ask(temporal, spec.name, { ...request, replace: true })) return 'replacing';
    } else {
      throw new CommandError(
        exitCodes.failed,
        `migration "${spec.name}" is running with another spec (${short(running)}, this one is ${short(specHash)}); nothing was changed`,
        `take over at a safe point with \`migrate apply --replace\`, or wait for it with \`migrate watch ${spec.name}\``,
      );
    }
  }
}

/** This very part, or the whole, is being applied; and not all of it has been looked at already. */
const isUnderWay = (progress: Progress, choice: Choice): boolean =>
  progress.reason === 'apply' &&
  isSameChoice(progress, choice) &&
  progress.state !== 'stopping' &&
  progress.state !== 'done';

/** Asks for a run of the spec that the migration ran last. */
export async function submitAgain(
  temporal: TemporalAccess,
  name: string,
  reason: RunReason,
  units?: readonly number[],
): Promise<Submission> {
  const request: RunRequest = { id: randomUUID(), reason, ...(units && { units }) };
  for (;;) {
    const found = await findMigration(temporal, name);
    if (found && isRunning(found)) {
      if (await ask(temporal, name, request)) return 'queued';
      continue;
    }
    const specHash = typeof found?.memo?.specHash === 'string' ? found.memo.specHash : '';
    if (await start(temporal, name, request, { specHash, details: `The spec it ran last, again: ${reason}.` })) {
      return 'started';
    }
  }
}

/** Starts the workflow; false when it is running already. */
async function start(
  temporal: TemporalAccess,
  name: string,
  request: RunRequest,
  shown: { readonly specHash: string; readonly details: string },
): Promise<boolean> {
  const input: MigrationInput = { name, queue: [request] };
  try {
    await temporal.client.workflow.start('migration', {
      workflowId: makeMigrationId(name),
      taskQueue: temporal.taskQueue,
      args: [input],
      memo: { specHash: shown.specHash },
      staticSummary: `${request.reason} ${name}`,
      staticDetails: shown.details,
      typedSearchAttributes: [
        { key: migrationKey, value: name },
        { key: stateKey, value: 'running' },
      ],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** Signals the running workflow; false when it has ended meanwhile. */
async function ask(
  temporal: TemporalAccess,
  name: string,
  request: RunRequest & { replace?: boolean },
): Promise<boolean> {
  try {
    await migrationHandle(temporal, name).signal(requestSignal, request);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** What the Web UI shows, in Markdown. Names of selections and systems' types; no addresses, no accounts. */
function describeSpec(spec: Spec, choice: Choice = {}): string {
  const selections = spec.selections.map((selection) => {
    const from = spec.sources[selection.from]?.type ?? '?';
    const to = spec.targets[selection.to]?.type ?? '?';
    const accounts =
      selection.accounts === 'all'
        ? 'all accounts'
        : `${selection.accounts.length} ${selection.accounts.length === 1 ? 'account' : 'accounts'}`;
    return `- **${selection.name}**: ${selection.kind}, ${from} → ${to}, ${accounts}`;
  });
  const { selections: only, accounts } = choice;
  const part = [
    ...(only ? [`of these only ${only.map((name) => `**${name}**`).join(', ')}`] : []),
    ...(accounts ? [`only ${plural(accounts.length, 'account')}`] : []),
  ];
  return [
    ...selections,
    ...(part.length > 0 ? ['', `Asked for: ${part.join(', ')}`] : []),
    '',
    `Commands: \`migrate status ${spec.name}\`, \`pause\`, \`resume\`, \`cancel\``,
  ].join('\n');
}

const short = (hash: unknown): string => (typeof hash === 'string' && hash !== '' ? hash.slice(0, 12) : 'unknown');
