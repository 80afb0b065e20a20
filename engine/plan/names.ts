/** Where entries of a tree would go, and what is said of names that the target cannot keep. */
import type { ItemRef } from '../../connectors/contract.js';
import { foldersAbove, nameOf } from '../../connectors/kinds/files.js';
import type { TreePlan } from './tree.js';

/** The path in the target; undefined for what goes nowhere, which is counted. A folder's name is said once, not below it. */
export function placeEntry({ look, counts, names }: TreePlan, { key }: ItemRef): string | undefined {
  const named = names.of(key);
  const above = foldersAbove(key).at(-1);
  const parent = above === undefined ? undefined : names.of(above);
  const where = look.where.words;
  if ('problem' in named) {
    const skipped = look.selection.names === 'skip';
    counts[skipped ? 'skip' : 'refuse']++;
    if (!parent || !('problem' in parent)) {
      const reason = named.problem.endsWith(`: ${key}`) ? named.problem.slice(0, -key.length - 2) : named.problem;
      look.remarks.name({ where, path: key, becomes: skipped ? 'skipped' : 'refused', reason });
    }
    return undefined;
  }
  if (look.target.names?.perilous?.includes(nameOf(named.path))) look.remarks.note(look.where, PERILOUS);
  const inherited = parent && 'notes' in parent ? parent.notes.length : 0;
  const reason = named.notes.slice(inherited).at(-1);
  if (reason !== undefined) look.remarks.name({ where, path: key, becomes: 'renamed', to: named.path, reason });
  return named.path;
}

const PERILOUS =
  'has a name that web servers may read as their own configuration (.htaccess): where the target does, it is refused';
