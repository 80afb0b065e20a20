/** Accounts that cannot be told apart, or meet in one place: the spec says several, the systems know one. */
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { quote } from './diagnostic.js';
import type { AccountsFromFiles } from './overlap-problems.js';
import type { Problem } from './problem.js';
import { listAt, mappingAt, textAt } from './problem.js';
import { placeOf } from './same-place.js';

const SIDES = [
  { field: 'from', group: 'sources', role: 'source' },
  { field: 'to', group: 'targets', role: 'target' },
] as const;

/** Systems that are the same place for all accounts of a selection. */
export function samePlaceProblems(spec: unknown, manifests: Manifests, fromFiles: AccountsFromFiles): Problem[] {
  return (listAt(spec, ['selections']) ?? []).flatMap((selection, index) =>
    SIDES.flatMap(({ field, group, role }): Problem[] => {
      const name = textAt(selection, [field]);
      const system = name === undefined ? undefined : mappingAt(spec, [group, name]);
      const manifest = manifestOf(manifests, textAt(system, ['type']));
      if (name === undefined || !manifest || manifest.tellsAccountsApart) return [];
      if (JSON.stringify(system).includes('{account}')) return [];
      const all = textAt(selection, ['accounts']) === 'all';
      const several = new Set(accountsOf(selection, index, fromFiles).map((account) => account[field]?.toLowerCase()));
      if (!all && several.size < 2) return [];
      const message = `the ${role} ${quote(name)} is the same for ${all ? 'all accounts' : `${several.size} accounts`}: nothing in it says {account}`;
      return [{ path: ['selections', String(index), field], at: 'value', message }];
    }),
  );
}

/** Several accounts that are moved into one, by whatever selections of a kind: it may be meant. */
export function mergeWarnings(spec: unknown, manifests: Manifests, fromFiles: AccountsFromFiles): Problem[] {
  const into = new Map<string, { readonly source: string; readonly said: string; readonly selection: number }>();
  return (listAt(spec, ['selections']) ?? []).flatMap((selection, index) => {
    const [kind, from, to] = ['kind', 'from', 'to'].map((field) => textAt(selection, [field]));
    if (kind === undefined || from === undefined || to === undefined) return [];
    const [source, target] = [placeOf(spec, 'sources', from, manifests), placeOf(spec, 'targets', to, manifests)];
    const inline = listAt(selection, ['accounts']) !== undefined;
    const problems: Problem[] = [];
    for (const [at, account] of accountsOf(selection, index, fromFiles).entries()) {
      if (account.from === undefined || account.to === undefined) continue;
      const key = `${kind} ${target.account(account.to.toLowerCase())}`;
      const here = { source: source.account(account.from), said: account.from, selection: index };
      const first = into.get(key);
      into.set(key, first ?? here);
      if (first === undefined || first.source === here.source) continue;
      const path = ['selections', String(index), 'accounts', ...(inline ? [String(at)] : [])];
      const elsewhere = first.selection === index ? '' : ` (selection ${quote(nameOf(spec, first.selection))})`;
      const message = `${quote(first.said)}${elsewhere} and ${quote(account.from)} are both moved into ${quote(account.to)}`;
      problems.push({ path, at: inline ? 'value' : 'key', message });
    }
    return problems;
  });
}

const nameOf = (spec: unknown, selection: number): string =>
  textAt(spec, ['selections', String(selection), 'name']) ?? String(selection + 1);

/** A folder of the target within one of the source: what arrives is listed as new, and moved again by the next run. */
export function withinWarnings(spec: unknown): Problem[] {
  return (listAt(spec, ['selections']) ?? []).flatMap((selection, index) => {
    const [from, to] = SIDES.map(({ field, group }) => textAt(spec, [group, textAt(selection, [field]) ?? '', 'path']));
    if (from === undefined || to === undefined || !to.startsWith(from.endsWith('/') ? from : `${from}/`)) return [];
    const message = `${quote(to)} is within ${quote(from)}: what arrives there is moved again by the next run`;
    return [{ path: ['selections', String(index), 'to'], at: 'value', message } satisfies Problem];
  });
}

function accountsOf(selection: unknown, index: number, fromFiles: AccountsFromFiles) {
  return (listAt(selection, ['accounts']) ?? fromFiles.get(index) ?? []).map((account) => ({
    from: textAt(account, ['from']),
    to: textAt(account, ['to']),
  }));
}
