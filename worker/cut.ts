/**
 * Upgrading over a change of the workflows' code. What an older version has open cannot be replayed by this one: its
 * recorded history holds other commands. So the first worker of this version ends it, and starts each migration again
 * from the ledger, which holds the spec, a pause, the tuning, and how far each unit is. Once, for each version of the code
 * for which that must be: decision 40.
 */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { defineSearchAttributeKey, WorkflowNotFoundError } from '@temporalio/common';
import type { JsonObject } from '../connectors/contract.js';
import { closeRequest } from '../engine/run/close-run.js';
import type { CutOf, OpenRun } from '../ledger/cuts.js';
import { knownRequests, noteCut, openRuns, readCut, whileCutting } from '../ledger/cuts.js';
import type { Ledger } from '../ledger/ledger.js';
import { setControl } from '../ledger/runs.js';
import type { RunRequest } from '../words/runs.js';
import type { MigrationInput } from '../workflows/messages.js';
import { makeMigrationId, migrationOf } from '../workflows/messages.js';
import { isRequest } from '../workflows/requests.js';

/** Raised only by another cut. From version 1 on changes to workflows are patched (docs/decisions/0040). */
const VERSION = 1;

/** The first versions' histories know these; their units' workflows end with the migration that started them. */
const TYPES = ['tick', 'migration', 'unit', 'plan', 'doctor'] as const;

type Open = Pick<WorkflowExecutionInfo, 'workflowId' | 'runId' | 'type' | 'status' | 'taskQueue'>;

export interface CutOptions {
  readonly client: Client;
  readonly ledger: Ledger;
  readonly taskQueue: string;
  readonly log: (detail: object, message: string) => void;
  readonly signal: AbortSignal;
}

/** Returns the names of the migrations that were started again; none, once the cut is made. */
export async function cutOver(options: CutOptions): Promise<readonly string[]> {
  const { client, ledger, taskQueue, log } = options;
  const of: CutOf = { version: VERSION, queue: `${client.options.namespace}/${taskQueue}` };
  if ((await readCut(ledger.pool, of))?.isMade) return [];
  await untilOlderWorkersEnd(options);
  return whileCutting(ledger, async () => {
    const cut = await readCut(ledger.pool, of);
    if (cut?.isMade) return [];
    const { open, hadToDo } = await begunWorkflows(client, ledger, taskQueue);
    const inputs = merged([...((cut?.open ?? []) as unknown as MigrationInput[]), ...hadToDo]);
    // Before anything is ended: a worker that dies in the middle leaves this to the next.
    await noteCut(ledger.pool, of, inputs as unknown as JsonObject[], false);
    for (const type of TYPES)
      for (const one of open.filter((workflow) => workflow.type === type)) await end(client, one);
    for (const input of inputs) await start(client, taskQueue, input);
    await noteCut(ledger.pool, of, [], true);
    const names = inputs.map(({ name }) => name);
    if (open.length > 0)
      log({ ended: open.length, migrations: names }, 'ended what an older version had open, and started it again');
    return names;
  });
}

/** What a worker calls itself before Temporal: which version of the workflows' code it runs can be seen there, and where. */
export const makeIdentity = (id: string): string => `drover/${id}/workflows-${VERSION}@${hostname()}:${process.pid}`;

/** Those of versions before the first cut: `drover/1f2e3d4c`. */
const OLDER = /^drover\/[0-9a-f]{8}$/;
/** Who asks for work hangs on for a minute; who has not asked for longer is gone. */
const POLL_MS = 65_000;

/** An older worker would take up what is started here, and leave a history that this version cannot go on with. */
async function untilOlderWorkersEnd({ client, taskQueue, log, signal }: CutOptions): Promise<void> {
  const WORKFLOW_TASKS = 1;
  for (let said = false; ; said = true) {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: WORKFLOW_TASKS,
    });
    const older = (pollers ?? []).filter(
      ({ identity, lastAccessTime }) =>
        OLDER.test(identity ?? '') && Number(lastAccessTime?.seconds ?? 0) * 1000 > Date.now() - POLL_MS,
    );
    if (older.length === 0) return;
    const message =
      'workers of an older version take work from the same queue; stop them: this one waits until they are gone';
    if (!said) log({ workers: older.map(({ identity }) => identity) }, message);
    await delay(1_000, undefined, { signal });
  }
}

/**
 * What a worker of an older version has begun, and what its migrations had to do. What none has looked at yet has no
 * commands recorded, and is anybody's. Each history is fetched once: there may be thousands, and some are long.
 */
async function begunWorkflows(
  client: Client,
  ledger: Ledger,
  taskQueue: string,
): Promise<{ readonly open: readonly Open[]; readonly hadToDo: readonly MigrationInput[] }> {
  const types = TYPES.map((type) => `'${type}'`).join(', ');
  const query = `ExecutionStatus = 'Running' and TaskQueue = '${taskQueue}' and WorkflowType in (${types})`;
  const found = new Map<string, Open>();
  for await (const info of client.workflow.list({ query })) found.set(info.runId, info);
  // Temporal's list lags behind; the ledger knows of runs that had begun by then.
  const runs = await openRuns(ledger.pool);
  for (const { migration } of runs) {
    const info = await describe(client, makeMigrationId(migration));
    if (info?.status.name === 'RUNNING' && info.taskQueue === taskQueue) found.set(info.runId, info);
  }
  const open: Open[] = [];
  const hadToDo: MigrationInput[] = [];
  for (const info of found.values()) {
    const events = await historyOf(client, info);
    if (!events.some((event) => event.workflowTaskCompletedEventAttributes)) continue;
    open.push(info);
    if (info.type === 'migration') hadToDo.push(await whatItHadToDo(client, ledger, runs, info, events));
  }
  return { open, hadToDo };
}

async function describe(client: Client, workflowId: string): Promise<Open | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function historyOf(client: Client, { workflowId, runId }: Open) {
  return (await client.workflow.getHandle(workflowId, runId).fetchHistory()).events ?? [];
}

/**
 * Its open run, which the ledger knows, and then what had been asked for meanwhile, which only its history knows: requests
 * in its input and in signals, but for those that a cancel took back and those that have led to a run. A run that was to
 * be cancelled or replaced is closed here; a pause that no worker has seen any more is written down.
 */
async function whatItHadToDo(
  client: Client,
  ledger: Ledger,
  runs: readonly OpenRun[],
  workflow: Open,
  events: Events,
): Promise<MigrationInput> {
  const name = migrationOf(workflow.workflowId);
  const { dataConverter } = client.options;
  const decoded = async (payloads: Payloads): Promise<unknown> => {
    const [first] = payloads?.payloads ?? [];
    if (!first) return undefined;
    let plain: readonly Payload[] = [first];
    for (const codec of [...(dataConverter?.payloadCodecs ?? [])].reverse()) plain = await codec.decode([...plain]);
    try {
      return JSON.parse(Buffer.from(plain[0]?.data ?? []).toString('utf8'));
    } catch {
      // Typed by hand, or nothing at all.
      return undefined;
    }
  };
  let asked: (RunRequest & { readonly replace?: boolean })[] = [];
  let isCancelled = false;
  /** What came after it, no worker has seen. */
  const seen = events.reduce(
    (last, { workflowTaskCompletedEventAttributes: done }) => Math.max(last, Number(done?.startedEventId ?? 0)),
    0,
  );
  for (const event of events) {
    const started = event.workflowExecutionStartedEventAttributes;
    const signal = event.workflowExecutionSignaledEventAttributes;
    if (started) {
      const input = (await decoded(started.input)) as Partial<MigrationInput & Carrying> | undefined;
      asked.push(...(input?.carried ? [input.carried.request] : []), ...(input?.queue ?? []));
    } else if (signal?.signalName === 'request') {
      const given = await decoded(signal.input);
      // Of what was typed by hand the event's place makes an id that stays the same when this is done once more.
      const id = `${workflow.runId}/${event.eventId}`;
      if (given === undefined || isRequest(given)) asked.push({ id, reason: 'apply', ...given });
    } else if (signal?.signalName === 'cancel' || event.workflowExecutionCancelRequestedEventAttributes) {
      asked = [];
      isCancelled = true;
    } else if (signal && ['pause', 'resume'].includes(signal.signalName ?? '') && Number(event.eventId) > seen) {
      await setControl(ledger.pool, name, { paused: signal.signalName === 'pause' });
    }
  }
  const known = await knownRequests(
    ledger.pool,
    name,
    asked.map(({ id }) => id),
  );
  const waiting = asked.filter(({ id }) => !known.has(id));
  const open = runs.filter(({ migration }) => migration === name).map(requestOf);
  const end = waiting.some(({ replace }) => replace) ? 'replaced' : 'cancelled';
  const isEnded = (request: RunRequest): boolean =>
    end === 'replaced' || (isCancelled && !asked.some(({ id }) => id === request.id));
  for (const { id } of open.filter(isEnded)) await closeRequest({ ledger }, { name, request: id, state: end });
  return {
    name,
    queue: [...open.filter((request) => !isEnded(request)), ...waiting.map(({ replace: _isDone, ...one }) => one)],
  };
}

type Events = Awaited<ReturnType<typeof historyOf>>;
type Payloads = { readonly payloads?: readonly Payload[] | null } | null | undefined;

/** What older versions carried when they continued as new in the middle of a run. */
interface Carrying {
  readonly carried?: { readonly request: RunRequest };
}

function requestOf({ request, reason, spec, schedule }: OpenRun): RunRequest {
  return { id: request, reason, specHash: spec, ...(schedule !== null && { schedule }) };
}

/** One input a migration: what an earlier attempt had found, and what is found now. */
function merged(inputs: readonly MigrationInput[]): MigrationInput[] {
  const byName = new Map<string, Map<string, RunRequest>>();
  for (const { name, queue } of inputs) {
    const requests = byName.get(name) ?? new Map<string, RunRequest>();
    for (const request of queue) if (!requests.has(request.id)) requests.set(request.id, request);
    byName.set(name, requests);
  }
  return [...byName].flatMap(([name, requests]) =>
    requests.size === 0 ? [] : [{ name, queue: [...requests.values()] }],
  );
}

async function end(client: Client, { workflowId, runId }: Open): Promise<void> {
  try {
    await client.workflow
      .getHandle(workflowId, runId)
      .terminate('a newer version of Drover starts it again from the ledger');
  } catch (error) {
    // It ended by itself, or with the migration that had started it.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

const MIGRATION = defineSearchAttributeKey('DroverMigration', 'KEYWORD');
const STATE = defineSearchAttributeKey('DroverState', 'KEYWORD');

async function start(client: Client, taskQueue: string, input: MigrationInput): Promise<void> {
  const [first] = input.queue;
  await client.workflow.start('migration', {
    workflowId: makeMigrationId(input.name),
    taskQueue,
    args: [input],
    memo: { specHash: first?.specHash ?? '' },
    staticSummary: `${first?.reason ?? 'run'} ${input.name}, started again by a newer version`,
    typedSearchAttributes: [
      { key: MIGRATION, value: input.name },
      { key: STATE, value: 'running' },
    ],
    workflowIdConflictPolicy: 'TERMINATE_EXISTING',
  });
}
