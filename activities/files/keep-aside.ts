/** Both sides are kept: the target's file gets another name, and is not read for it. */
import type { Target, TargetContainer, TargetRef } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Slice } from '../slice.js';

/** Renames a copy to a name that follows from its content, so that once is enough. */
export async function keepAside(
  slice: Pick<Slice, 'signal' | 'deps' | 'assertHeld'>,
  target: Target<unknown>,
  container: TargetContainer,
  { ref, digest, version }: TargetRef,
): Promise<void> {
  const path = keptPath(ref, digest, target.names?.nameBytes ?? NAME_BYTES);
  slice.assertHeld();
  const move = { op: 'move' as const, token: ref, ref, to: container, path, ...(version && { version }) };
  for await (const answer of target.write(container, [move], slice.signal)) {
    // Another version came in between, or the name is taken by the same content: the next look tells.
    if (!('refused' in answer)) continue;
    throw new Fault(
      'conflict',
      `the target refuses to keep both versions of a file: ${slice.deps.redact(answer.reason)}`,
      {
        side: 'target',
        next: 'let one side win with onConflict, then retry',
      },
    );
  }
}

/** What most systems keep, where the target does not say. */
const NAME_BYTES = 255;
/** A longer one is no type of file, and must not push out the rest of the name. */
const ENDING_BYTES = 16;

/** `folder/name (kept 1a2b3c4d).txt`, cut where the name would be too long: a long name must not keep the two together. */
export function keptPath(ref: string, digest: string, most: number): string {
  const at = ref.lastIndexOf('/') + 1;
  const name = ref.slice(at);
  const dot = name.lastIndexOf('.');
  const ending = dot > 0 && Buffer.byteLength(name.slice(dot)) <= ENDING_BYTES ? name.slice(dot) : '';
  const mark = ` (kept ${digest.slice(0, 8)})${ending}`;
  let stem = '';
  for (const one of name.slice(0, name.length - ending.length)) {
    if (Buffer.byteLength(stem + one + mark) > most) break;
    stem += one;
  }
  return ref.slice(0, at) + stem + mark;
}
