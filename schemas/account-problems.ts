/** Accounts that cannot be told apart, or meet in one place: the spec says several, the systems know one. */
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { quote } from './diagnostic.js';
import type { AccountsFromFiles } from './overlap-problems.js';
import type { Problem } from './problem.js';
import { listAt, mappingAt, textAt } from './problem.js';

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

/** Several accounts that are moved into one: it may be meant. */
export function mergeWarnings(spec: unknown, fromFiles: AccountsFromFiles): Problem[] {
  return (listAt(spec, ['selections']) ?? []).flatMap((selection, index) => {
    const inline = listAt(selection, ['accounts']) !== undefined;
    const into = new Map<string, string>();
    for (const [at, { from, to }] of accountsOf(selection, index, fromFiles).entries()) {
      if (from === undefined || to === undefined) continue;
      const first = into.get(to.toLowerCase());
      into.set(to.toLowerCase(), first ?? from);
      if (first === undefined || first === from) continue;
      const path = ['selections', String(index), 'accounts', ...(inline ? [String(at)] : [])];
      const message = `${quote(first)} and ${quote(from)} are both moved into ${quote(to)}`;
      return [{ path, at: inline ? 'value' : 'key', message } satisfies Problem];
    }
    return [];
  });
}

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
