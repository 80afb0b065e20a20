import { quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { listAt, textAt } from './problem.js';
import type { Account } from './spec.js';

/** The accounts of each selection, by its index; from CSV files where it names one. */
export type AccountsFromFiles = ReadonlyMap<number, readonly Account[]>;

/**
 * The same pairing twice, as far as the spec itself shows: equal kind, source and target, and an account
 * pair that stands in both, or `all` in one of them.
 */
export function overlapProblems(spec: unknown, fromFiles: AccountsFromFiles): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, { readonly all: string[]; readonly pairs: Map<string, string> }>();
  for (const [index, selection] of (listAt(spec, ['selections']) ?? []).entries()) {
    const [kind, from, to] = ['kind', 'from', 'to'].map((field) => textAt(selection, [field]));
    if (kind === undefined || from === undefined || to === undefined) continue;
    const path = ['selections', String(index), 'accounts'];
    const here = textAt(selection, ['name']) ?? `selection ${index + 1}`;
    const key = JSON.stringify([kind, from, to]);
    const earlier = seen.get(key) ?? { all: [], pairs: new Map<string, string>() };
    seen.set(key, earlier);
    const inline = listAt(selection, ['accounts']);
    const isAll = textAt(selection, ['accounts']) === 'all';
    const other = earlier.all[0] ?? (isAll ? [...earlier.pairs.values()][0] : undefined);
    if (other !== undefined) {
      problems.push({
        path,
        at: 'key',
        message: `selection ${quote(here)} and selection ${quote(other)} move the same accounts; one of them says all`,
      });
      continue;
    }
    if (isAll) earlier.all.push(here);
    const pairs = inline ?? fromFiles.get(index) ?? [];
    let inFile = 0;
    for (const [item, account] of pairs.entries()) {
      const [source, target] = [textAt(account, ['from']), textAt(account, ['to'])];
      if (source === undefined || target === undefined) continue;
      const pair = JSON.stringify([source, target]);
      const first = earlier.pairs.get(pair);
      if (first === undefined) {
        earlier.pairs.set(pair, here);
        continue;
      }
      // One sentence for a whole file: its rows would all say the same.
      if (inline === undefined && inFile++ > 0) continue;
      problems.push({
        path: inline === undefined ? path : [...path, String(item)],
        at: inline === undefined ? 'key' : 'value',
        message:
          first === here
            ? `${quote(source)} to ${quote(target)} stands here a second time; remove one`
            : `${quote(source)} to ${quote(target)} is moved by selection ${quote(first)} already; an account pair belongs to one selection`,
      });
    }
  }
  return problems;
}
