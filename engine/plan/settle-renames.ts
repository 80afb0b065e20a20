/** At the end of a tree's listing: renamed files are taken out of what was counted as new and as gone. */

import { isEdited } from './existing.js';
import type { Alike } from './renames.js';
import type { TreePlan } from './tree.js';

/** So many pairs are named in remarks, and the rest is counted. */
const MAX_SAID = 20;

/** Takes renamed files out of what is to create and to remove. Answers how many do not count as gone any more. */
export async function settleRenames(plan: TreePlan): Promise<number> {
  const { renames, look, counts, volume, existing } = plan;
  if (!renames) return 0;
  const mirrors = look.selection.deletions === 'mirror';
  const candidates = renames.candidates();
  const refs = candidates.map((item) => item.targetRef as string);
  const there = refs.length > 0 ? await existing?.at(refs, []) : undefined;
  // What a person edited or removed in the target is not renamed by a run.
  const free = candidates.filter((item) => {
    const copy = there?.get(item.targetRef as string);
    return !there || (copy !== undefined && !isEdited(item, copy));
  });
  const matched = renames.match(new Set(free));
  for (const { bytes, from, at } of matched) {
    if (at === undefined) {
      counts.create--;
      counts.bytes -= bytes;
    } else {
      counts.compare--;
      volume.compare -= bytes;
    }
    counts.moved++;
    volume.moved += bytes;
    if (!mirrors) continue;
    counts.remove--;
    volume.remove -= from.bytes;
    look.deletions?.drop(look, plan.container, from);
  }
  const taken = new Set(matched.map(({ from }) => from));
  sayAlike(plan, renames.alike(taken));
  return mirrors ? taken.size : 0;
}

function sayAlike({ look, said }: TreePlan, alike: readonly Alike[]): void {
  let named = 0;
  for (const { count, named: names } of alike) {
    const say = names && named++ < MAX_SAID ? `${PERHAPS}: ${names.from} -> ${names.to}` : PERHAPS;
    look.remarks.note(said, say, count);
  }
}

const PERHAPS =
  'perhaps renamed: a new file is as large as one that left the source; a run compares their contents, and so does a dry run';
