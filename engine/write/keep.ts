/** Both sides are kept: the target's version goes on beside the source's, under a name that follows from its content. */
import type { Target, TargetRef, Write } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { fenced } from '../../ledger/leases.js';
import { stageReverse } from '../../ledger/links.js';
import type { Slice } from '../slice/slice.js';
import type { Writing } from './attempt.js';
import { attempt } from './attempt.js';
import type { Bound } from './bind.js';
import { keptPath } from './kept-path.js';

/** Done twice it is done once: after a crash the conflict is judged again. */
export async function keepBoth(slice: Slice, bound: Bound, target: Target<unknown>, copy: TargetRef): Promise<void> {
  const { rules, deps, lease, other, run } = slice;
  if (rules.place === 'path') return keepAside(slice, bound, target, copy);
  const body = rules.renewed(copy.body);
  const bytes = rules.size(body);
  const write = { op: 'create' as const, token: `both/${copy.ref}`, body, bytes, meta: {}, digest: rules.digest(body) };
  const kept = await keep(slice, bound, target, write);
  if (kept.ref === undefined || other === undefined) return;
  // It is an item of the other side now, which is to be carried here.
  const item = { key: kept.ref, version: kept.version ?? '', bytes, rank: 0, meta: {} };
  await fenced(deps.ledger, lease, (sql) => stageReverse(sql, other, bound, [item], run));
}

/** A file in the target steps aside, and is not read for it. */
export async function keepAside(
  slice: Writing,
  bound: Bound,
  target: Target<unknown>,
  { ref, digest, version }: TargetRef,
): Promise<void> {
  const path = keptPath(ref, digest, target.names?.nameBytes);
  await keep(slice, bound, target, {
    op: 'move',
    token: ref,
    ref,
    to: bound.target,
    path,
    ...(version && { version }),
  });
}

/** Returns the reference and the version of the kept copy, where the target named them. Throws when the target refuses to keep it. */
async function keep(
  slice: Writing,
  bound: Bound,
  target: Target<unknown>,
  write: Write<unknown>,
): Promise<{ readonly ref?: string; readonly version?: string }> {
  let refusal: string | undefined;
  let kept: { readonly ref?: string; readonly version?: string } = {};
  await attempt(slice, target, {
    op: 'keep',
    bound,
    writes: [write],
    uncounted: true,
    settle(answer) {
      if ('refused' in answer) refusal = answer.reason;
      // Conflicted: it was kept before, or another version came in between; the next look finds out.
      else kept = answer;
      return 'not-written';
    },
  });
  if (refusal === undefined) return kept;
  throw new Fault('conflict', `the target refuses to keep both versions: ${slice.deps.redact(refusal)}`, {
    side: 'target',
    next: 'let one side win with onConflict, then retry',
  });
}
