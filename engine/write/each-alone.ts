/** What a side refuses to show concerns one item: the others are asked for all the same. */
import type { Target, TargetContainer, TargetRef } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';

/**
 * Asks for all entries at once and, after a refusal, for each that is left by itself. `refused` is told of every one that
 * is refused by itself; what it answers, if anything, stands in the place of an answer.
 */
export async function* eachAlone<E, A>(
  entries: ReadonlyMap<string, E>,
  ask: (entries: readonly E[]) => AsyncIterable<A>,
  keyOf: (answer: A) => string,
  refused: (key: string, error: Fault) => A | undefined,
): AsyncGenerator<A> {
  const left = new Map(entries);
  try {
    for await (const answer of ask([...entries.values()])) {
      left.delete(keyOf(answer));
      yield answer;
    }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'refused') throw error;
    if (entries.size > 1) {
      for (const one of left) yield* eachAlone(new Map([one]), ask, keyOf, refused);
      return;
    }
    for (const key of entries.keys()) {
      const answer = refused(key, error);
      if (answer !== undefined) yield answer;
    }
  }
}

/** The copies that the target lets be read; why it lets others not goes into `hidden`, by their references. */
export function readEach(
  target: Target<unknown>,
  container: TargetContainer,
  refs: readonly string[],
  hidden: Map<string, string>,
  signal: AbortSignal,
): AsyncGenerator<TargetRef> {
  return eachAlone(
    new Map(refs.map((ref) => [ref, ref])),
    (some) => target.readBack(container, some, signal),
    ({ ref }) => ref,
    (ref, { message }) => {
      hidden.set(ref, `what stands there may not be read: ${message}`);
      return undefined;
    },
  );
}
