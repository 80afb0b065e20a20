import type { Manifests } from './assemble.js';
import { quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { listAt, textAt } from './problem.js';
import type { Place } from './same-place.js';
import { placeOf } from './same-place.js';
import type { Account } from './spec.js';

/** The accounts of each selection, by its index; from CSV files where it names one. */
export type AccountsFromFiles = ReadonlyMap<number, readonly Account[]>;

/** What earlier selections move between two systems in one direction, by the name of the selection. */
interface Claims {
  readonly all: string[];
  readonly pairs: Map<string, string>;
}

/**
 * The same pairing twice, as far as the spec itself shows: equal kind, source and target, and an account pair that
 * stands in both, or `all` in one of them. A two-way selection has the pairings of both directions. Systems are the
 * same when the spec says the same of them, under whatever names.
 */
export function overlapProblems(spec: unknown, manifests: Manifests, fromFiles: AccountsFromFiles): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, Claims>();
  const claimsOf = (...key: readonly string[]): Claims => {
    const text = JSON.stringify(key);
    const known = seen.get(text) ?? { all: [], pairs: new Map<string, string>() };
    seen.set(text, known);
    return known;
  };
  for (const [index, selection] of (listAt(spec, ['selections']) ?? []).entries()) {
    const [kind, from, to] = ['kind', 'from', 'to'].map((field) => textAt(selection, [field]));
    if (kind === undefined || from === undefined || to === undefined) continue;
    const path = ['selections', String(index), 'accounts'];
    const here = textAt(selection, ['name']) ?? `selection ${index + 1}`;
    const [source, target] = [placeOf(spec, 'sources', from, manifests), placeOf(spec, 'targets', to, manifests)];
    const forth = claimsOf(kind, source.system, target.system);
    const back = textAt(selection, ['mode']) === 'two-way' ? claimsOf(kind, target.system, source.system) : undefined;

    const inline = listAt(selection, ['accounts']);
    const isAll = textAt(selection, ['accounts']) === 'all';
    const other = forth.all[0] ?? back?.all[0] ?? (isAll ? (anyOf(forth) ?? anyOf(back)) : undefined);
    if (other !== undefined) {
      problems.push({
        path,
        at: 'key',
        message: `selection ${quote(here)} and selection ${quote(other)} move the same accounts; one of them says all`,
      });
      continue;
    }
    if (isAll && source.system === target.system) {
      const message = 'every account would be copied into itself: source and target are the same';
      problems.push({ path, at: 'key', message });
      continue;
    }
    if (isAll) for (const claims of [forth, back]) claims?.all.push(here);
    let inFile = 0;
    for (const [item, account] of (inline ?? fromFiles.get(index) ?? []).entries()) {
      const [one, two] = [textAt(account, ['from']), textAt(account, ['to'])];
      if (one === undefined || two === undefined) continue;
      const message = claim({ forth, back, source, target }, one, two, here);
      // One sentence for a whole file: its rows would all say the same.
      if (message === undefined || (inline === undefined && inFile++ > 0)) continue;
      problems.push({
        path: inline === undefined ? path : [...path, String(item)],
        at: inline === undefined ? 'key' : 'value',
        message,
      });
    }
  }
  return problems;
}

const anyOf = (claims: Claims | undefined): string | undefined => claims?.pairs.values().next().value;

/** Takes a pair of accounts for a selection, or says who has it. */
function claim(
  {
    forth,
    back,
    source,
    target,
  }: { readonly forth: Claims; readonly back: Claims | undefined; readonly source: Place; readonly target: Place },
  from: string,
  to: string,
  here: string,
): string | undefined {
  if (source.account(from) === target.account(to)) {
    const whose = from === to ? quote(from) : `${quote(from)} and ${quote(to)} are the same account: it`;
    return back
      ? `${whose} cannot be kept in step with itself`
      : `${whose} would be copied into itself: source and target are the same`;
  }
  const [pair, mirror] = [JSON.stringify([from, to]), JSON.stringify([to, from])];
  const first = forth.pairs.get(pair);
  if (first !== undefined) {
    return first === here
      ? `${quote(from)} to ${quote(to)} stands here a second time; remove one`
      : `${quote(from)} to ${quote(to)} is moved by selection ${quote(first)} already; an account pair belongs to one selection`;
  }
  const reverse = back?.pairs.get(mirror);
  forth.pairs.set(pair, here);
  if (reverse !== undefined) {
    return `${quote(to)} to ${quote(from)} is moved by selection ${quote(reverse)} already, and two-way moves it too; an account pair belongs to one selection`;
  }
  back?.pairs.set(mirror, here);
  return undefined;
}
