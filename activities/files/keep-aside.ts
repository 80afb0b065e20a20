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
  const at = ref.lastIndexOf('/') + 1;
  const dot = ref.lastIndexOf('.');
  const stem = dot > at ? ref.slice(0, dot) : ref;
  const path = `${stem} (kept ${digest.slice(0, 8)})${dot > at ? ref.slice(dot) : ''}`;
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
