/** Whose fault it is: the engine blocks, gates and reports by side. */
import { Fault } from '../connectors/errors.js';

/** Runs a step on the target; a fault that nobody has given a side is the target's. */
export async function onTarget<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof Fault) error.side ??= 'target';
    throw error;
  }
}
