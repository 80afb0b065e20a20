/** A batch of writes, one after the other, and what servers leave out of their answers. */
import type { Write, WriteAnswer, Written } from '../../contract.js';
import { Fault } from '../../errors.js';
import { namesTaken } from './conditions.js';
import { listItems, versionsOf } from './items.js';
import type { Writing } from './write.js';
import { apply } from './write.js';

/** Beyond so many, one listing is cheaper than asking for each. */
const FEW = 3;

/** Answers each write once. Those whose version the server does not tell come last, when it was asked for. */
export async function* writeEach(
  writing: Writing,
  writes: readonly Write<Buffer>[],
  signal: AbortSignal,
): AsyncGenerator<WriteAnswer> {
  const { account, container } = writing;
  const creates = writes.some(({ op }) => op === 'create');
  const taken = creates ? await namesTaken(account, container.key, signal) : undefined;
  const untold: (Written & { readonly ref: string })[] = [];
  try {
    for (const write of writes) {
      const answer = await apply({ ...writing, taken }, write, signal);
      const told = !('token' in answer) || answer.ref === undefined || answer.version !== undefined;
      if (told) yield answer;
      else untold.push({ ...answer, ref: answer.ref as string });
    }
  } catch (error) {
    // They were written, whatever became of the one behind them.
    yield* untold;
    throw error;
  }
  const versions = await versionsNow(writing, untold, signal);
  for (const answer of untold) {
    const version = versions.get(answer.ref);
    yield { ...answer, ...(version !== undefined && { version }) };
  }
}

async function versionsNow(
  { account, container }: Writing,
  untold: readonly { readonly ref: string }[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (untold.length === 0) return found;
  const names = untold.map(({ ref }) => ref);
  try {
    const listing =
      names.length <= FEW
        ? versionsOf(account, container.key, names, signal)
        : listItems(account, container.key, signal);
    for await (const { name, version } of listing) found.set(name, version);
  } catch (error) {
    // The version is a help for later runs, and no reason to forget what was written.
    if (!(error instanceof Fault)) throw error;
  }
  return found;
}
