/** Flags and dates that changed in the source: only what changed since we last wrote, so that a person's own changes stay. */
import type { WriteAnswer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ItemRow } from '../../ledger/items.js';
import { nextItems } from '../../ledger/items.js';
import { mergeBase } from '../decide/flags.js';
import { sourceNotesIn } from '../decide/source-notes.js';
import type { Slice } from '../slice/slice.js';
import { attempt, tokenOf } from './attempt.js';
import type { Bound } from './bind.js';
import type { Result } from './results.js';
import { FAILED, reasonOf } from './results.js';

const PAGE = 500;

/** Works until nothing is left, or the slice ends. */
export async function changeMeta(slice: Slice, bound: Bound): Promise<void> {
  for (;;) {
    const next = await nextItems(slice.deps.ledger.pool, bound.id, 'meta', undefined, PAGE);
    // What the source did not give yet is left to a later slice.
    const items = next.filter(({ unread }) => !unread);
    if (items.length === 0 || slice.ending()) return;
    const byKey = new Map(items.map((item) => [item.key, item]));
    await attempt(slice, slice.target, {
      op: 'meta',
      bound,
      // Said in flags, not in content: repeating it does no harm.
      uncounted: true,
      details: new Map(items.map(({ key, meta }) => [key, { meta }])),
      writes: items.map(({ key, targetRef, base, meta }) => ({
        op: 'meta',
        token: key,
        ref: targetRef as string,
        base: mergeBase(base ?? {}, meta),
        meta,
      })),
      settle: (answer) => changed(byKey.get(tokenOf(answer)) as ItemRow, answer),
    });
  }
}

function changed({ key, meta, proof, outcome, reason }: ItemRow, answer: WriteAnswer): Result {
  if ('conflicted' in answer) {
    throw new Fault('internal', 'the target answered a change of flags with a conflict', {
      next: 'report this with the type of the target',
    });
  }
  // That it failed before is not mended by flags: a copy that is missing refuses them, one of two takes them.
  const failed = FAILED.has(outcome) && reason !== null ? reason : undefined;
  if ('refused' in answer)
    return {
      key,
      todo: null,
      ...(failed === undefined ? { outcome: 'skipped', reason: answer.reason } : { reason: failed }),
    };
  return {
    key,
    // What is looked for in a folder that was made anew has a proof of before.
    todo: proof === null || outcome === 'arrived' ? 'verify' : null,
    base: answer.meta ?? meta,
    made: 'updated',
    said: { what: 'updated' },
    ...reasonOf([...(failed === undefined ? sourceNotesIn(reason) : [failed]), ...(answer.notes ?? [])]),
  };
}
