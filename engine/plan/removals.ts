/** What a run would remove: items that left the source, unless their copies were edited. The rules are remove.ts's. */
import { isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { PlannedContainer, PlannedItem } from '../../ledger/planned.js';
import { DEFAULT_MAX_DELETIONS, EDITED } from '../write/remove.js';
import type { ContainerPlan } from './judging.js';

/** `row`: the container that they stood in, as the ledger knows it. */
export async function judgeGone(
  plan: ContainerPlan,
  row: PlannedContainer,
  gone: readonly PlannedItem[],
): Promise<void> {
  const { look, at, counts } = plan;
  const remove = (item: PlannedItem): void => {
    counts.remove++;
    look.deletions?.add(look, row, item);
  };
  if (look.rules.edits !== 'content') {
    for (const item of gone) remove(item);
    return;
  }
  // What the forward pass has resolved (deleted there, edited here) is not removed by the reverse pass.
  const open = look.reverse ? gone.filter((item) => !look.handled.has(plan.container.key, item.key)) : gone;
  const key = (await at.key()) ?? '';
  const versions = await at.versions();
  const doubtful = open.filter(
    ({ targetRef, targetVersion }) => !versions || (!targetVersion && versions.has(targetRef as string)),
  );
  const copies = await at.read(doubtful.map((item) => item.targetRef as string));
  for (const item of open) {
    const { targetRef, targetVersion, digest } = item;
    const ref = targetRef as string;
    const copy = copies.get(ref);
    const now = copy?.version ?? versions?.get(ref);
    look.handled.add(key, ref);
    // Deleted on both sides.
    if (now === undefined && copy === undefined) continue;
    if (targetVersion ? now === targetVersion : copy && isDigestOf(look.rules, copy, digest)) remove(item);
    else if (look.other === undefined) {
      counts.skip++;
      look.remarks.note(plan.said, EDITED.reason, 1, 'skip');
    } else {
      // Going both ways an edit is worth more than a deletion: the pass back makes it anew.
      look.handled.add(key, ref, 'create');
      look.remarks.note(plan.said, 'deleted on one side, edited on the other: made anew');
    }
  }
}

/** What the brake says of so many deletions at once; undefined when they may go. */
export function braked(gone: number, items: number, maxDeletions = DEFAULT_MAX_DELETIONS): string | undefined {
  if (gone <= maxDeletions * items) return undefined;
  return `deletions are more than the ${Math.round(maxDeletions * 100)} % that may go at once: the run will wait for \`migrate approve\`, and \`migrate plan --deletions FILE\` names them`;
}
