/** Stands by while a worker does something for a command: says what is waited for, and gives up on one that is gone. */
import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { isDoctorProgress, triedWords } from '../words/check.js';
import { duration } from '../words/numbers.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { pause } from './follow.js';
import { noWorker } from './migration.js';
import type { Shell } from './shell.js';
import type { TemporalAccess } from './temporal.js';
import type { Watched } from './vigil.js';
import { createVigil } from './vigil.js';
import { isAway, until } from './with-temporal.js';
import type { WorkerSeen } from './workers.js';
import { placeOf, workersAsking } from './workers.js';

const LOOK_MS = 1_000;
const ANSWER_MS = 3_000;
/** Whoever works tells so within ten seconds. */
const SILENT_MS = 30_000;
/** Where none is there, one may be about to be started. */
const NOBODY_MS = 60_000;

/** `said`: how far the worker has got, where it tells. */
type Attended = Watched & { readonly said?: string };

/** Ends with `signal`; throws a `CommandError` where nobody has worked on it for half a minute. */
export async function attend(
  shell: Shell,
  temporal: TemporalAccess,
  what: string,
  current: () => WorkflowHandle | undefined,
  signal: AbortSignal,
): Promise<never> {
  const began = Date.now();
  const vigil = createVigil(began);
  let words = `a worker to take the ${what}`;
  const end = shell.waiting?.begin(() => words);
  try {
    for (;;) {
      await pause(LOOK_MS, signal);
      signal.throwIfAborted();
      const handle = current();
      const watched = handle && (await look(temporal, handle, vigil, signal));
      if (!watched) continue;
      const workers = watched.silentMs > LOOK_MS ? await seen(temporal, signal) : [];
      words = wordsFor(what, watched, workers);
      if (watched.silentMs < (watched.isUntaken && workers.length === 0 ? NOBODY_MS : SILENT_MS)) continue;
      if (watched.isUntaken && (await answers(temporal, handle, signal))) vigil.hear(Date.now());
      else throw givenUp(temporal, what, watched, workers);
    }
  } finally {
    end?.();
  }
}

async function look(
  { client }: TemporalAccess,
  handle: WorkflowHandle,
  vigil: ReturnType<typeof createVigil>,
  signal: AbortSignal,
): Promise<Attended | undefined> {
  try {
    const { raw } = await until(signal, client, () =>
      client.connection.withDeadline(Date.now() + ANSWER_MS, () => handle.describe()),
    );
    const payloads = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads;
    const [at] = await decodeArrayFromPayloads(client.options.loadedDataConverter, payloads);
    return { ...vigil.note(Date.now(), raw), ...(isDoctorProgress(at) && { said: triedWords(at) }) };
  } catch (error) {
    if (isAway(error) || error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function seen(temporal: TemporalAccess, signal: AbortSignal): Promise<readonly WorkerSeen[]> {
  try {
    return await until(signal, temporal.client, () => workersAsking(temporal));
  } catch (error) {
    if (isAway(error)) return [];
    throw error;
  }
}

/** Whether a worker answers at all: one that is busy with as much as it takes has not come to this yet. */
async function answers({ client }: TemporalAccess, handle: WorkflowHandle, signal: AbortSignal): Promise<boolean> {
  try {
    await until(signal, client, () =>
      client.connection.withDeadline(Date.now() + ANSWER_MS, () => handle.query('__temporal_workflow_metadata')),
    );
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

function wordsFor(
  what: string,
  { silentMs, isUntaken, worker, said }: Attended,
  workers: readonly WorkerSeen[],
): string {
  const who = worker ?? workers[0]?.identity;
  const on = who === undefined ? 'a worker' : `the worker on ${placeOf(who)}`;
  if (isUntaken)
    return workers.length === 0 && silentMs > LOOK_MS ? 'a worker: none asks for work' : `${on} to take the ${what}`;
  return silentMs > SILENT_MS / 3
    ? `${on}, which has said nothing for ${duration(1_000 * Math.round(silentMs / 1_000))}`
    : `${on}, at work on the ${what}${said === undefined ? '' : `: ${said}`}`;
}

function givenUp(
  temporal: TemporalAccess,
  what: string,
  { silentMs, worker }: Watched,
  workers: readonly WorkerSeen[],
): CommandError {
  const who = worker ?? workers[0]?.identity;
  if (who === undefined) return new CommandError(exitCodes.unreachable, noWorker(temporal), `the ${what} was given up`);
  return new CommandError(
    exitCodes.unreachable,
    `the worker on ${placeOf(who)} has not answered for ${duration(1_000 * Math.round(silentMs / 1_000))}; the ${what} was given up`,
    'look at it, and its log, there: where it hangs, end it and start another with `migrate worker`; where it cannot read what this command sends, give both the same DROVER_ENCRYPTION_KEYS_FILE',
  );
}
