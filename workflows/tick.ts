import { ticks } from './calls.js';
import type { RunResult, TickInput } from './messages.js';

/** One start of a schedule: asks the migration for a run and waits, so that overlap policies see it. */
export async function tick(input: TickInput): Promise<RunResult> {
  await ticks.askForRun(input);
  return ticks.awaitRun(input);
}
