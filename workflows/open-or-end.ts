/** Opens a run. Somebody may end it before: a system that does not list its accounts must not hold a cancel up for ever. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { RunRequest } from '../words/runs.js';
import type { Message } from './inbox.js';
import type { OpenRun } from './run.js';
import { openRun } from './run.js';

/** The messages stay in the inbox: the run takes them when it was opened after all, else the migration. */
export async function openOrEnd(
  name: string,
  request: RunRequest,
  inbox: readonly Message[],
): Promise<OpenRun | 'cancelled' | 'replaced'> {
  const scope = new CancellationScope({ cancellable: true });
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  const opening = scope.run(() => openRun(name, request));
  opening.then(over, over);
  const end = (): 'cancelled' | 'replaced' | undefined => inbox.map(endOf).find(Boolean);
  await condition(() => isOver || end() !== undefined);
  if (!isOver) scope.cancel();
  try {
    return await opening;
  } catch (error) {
    const ended = end();
    if (ended && isCancellation(error)) return ended;
    throw error;
  }
}

function endOf(message: Message): 'cancelled' | 'replaced' | undefined {
  if (message.type === 'cancel') return 'cancelled';
  return message.type === 'request' && message.replace ? 'replaced' : undefined;
}
