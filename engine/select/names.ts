/**
 * Names that a target cannot keep, or takes for the same: found before anything is written, decided by the spec's
 * `names`, and said with each item. Where an item goes follows from its key, the target's rules and its twins alone.
 */
import { createHash } from 'node:crypto';
import type { NameRules } from '../../connectors/contract.js';
import { folderAbove, nameOf } from '../../connectors/kinds/files.js';
import { compareKeys } from '../../connectors/kinds/key-order.js';
import type { Selection } from '../../schemas/spec.js';
import { wantedPath } from './selecting.js';

/** Where an item goes, or why it goes nowhere. */
export type Named =
  | { readonly path: string; readonly notes: readonly string[] }
  /** `why`: what the target cannot keep. What becomes of the item is said by the spec. */
  | { readonly problem: string };

export interface Names {
  /** By the key of an item (files.ts). Pure: the same for the same twins. */
  of(key: string): Named;
}

export interface Twins {
  /** Keys that the target takes for the same path, each list in the order in which they may keep their name. */
  readonly groups: readonly (readonly string[])[];
  /** Whether another item goes to this path (`foldedPath`): no number may lead there. */
  isTaken(folded: string): boolean;
}

export const NO_TWINS: Twins = { groups: [], isTaken: () => false };

export function createNames(rules: NameRules, selection: Selection, twins = NO_TWINS): Names {
  const groups = new Map<string, readonly string[]>();
  for (const group of twins.groups) for (const key of group) groups.set(key, group);
  const folders = new Map<string, Named>();
  const renames = selection.names === 'rename';

  /** The name of one level, below a folder that is placed already. */
  const level = (above: Named, key: string, name: string): Named => {
    if ('problem' in above) return above;
    const problems = problemsOf(rules, name);
    const earlier = earlierTwins(key, above.path);
    const twin = earlier.length;
    if (twin > 0) problems.push(`the target takes the name for the same as that of ${earlier[0]}`);
    if (problems.length > 0 && !renames) return { problem: `${problems.join('; ')}: ${key}` };
    const plain = kept(rules, name);
    const given = twin > 0 ? numbered(plain, freeNumber(key, plain, twin)) : plain;
    const path = above.path + given + (key.endsWith('/') ? '/' : '');
    return { path, notes: problems.length > 0 ? [...above.notes, renamed(key, given, problems)] : above.notes };
  };

  /** Twins that come before it and go into the same folder: of two folders that are told apart, what they hold is, too. */
  const earlierTwins = (key: string, above: string): string[] => {
    const group = groups.get(key) ?? [];
    return group.slice(0, group.indexOf(key)).filter((other) => {
      const parent = folderAbove(other);
      const named = parent === undefined ? { path: '' } : folder(parent);
      return 'path' in named && named.path === above;
    });
  };

  /** From 2 on, without those that lead to other items. */
  const freeNumber = (key: string, plain: string, twin: number): number => {
    let number = 1;
    for (let left = twin; left > 0; left--) {
      do number++;
      while (twins.isTaken(numberedPath(rules, selection, key, number, plain)));
    }
    return number;
  };

  const place = (key: string): Named => {
    const above = folderAbove(key);
    // The spec's map names whole folders: below them everything follows.
    const mapped = wantedPath(selection, key);
    const parent: Named = above === undefined ? { path: '', notes: [] } : folder(above);
    if (mapped === key || (above !== undefined && mapped === wantedPath(selection, above) + lastOf(key)))
      return level(parent, key, nameOf(key));
    const levels = mapped.replace(/\/$/, '').split('/');
    let at: Named = { path: '', notes: [] };
    for (const [n, name] of levels.entries()) {
      const last = n === levels.length - 1;
      at = level(at, last ? key : `${levels.slice(0, n + 1).join('/')}/`, name);
    }
    return at;
  };

  const folder = (key: string): Named => {
    const known = folders.get(key);
    if (known) return known;
    const named = place(key);
    folders.set(key, named);
    return named;
  };

  return {
    of(key) {
      const named = key.endsWith('/') ? folder(key) : place(key);
      if ('problem' in named) return named;
      const bytes = Buffer.byteLength(named.path.replace(/\/$/, ''));
      if (rules.pathBytes === undefined || bytes <= rules.pathBytes) return named;
      return { problem: `the path has ${bytes} bytes, the target keeps ${rules.pathBytes}: ${key}` };
    },
  };
}

/**
 * What the target would take for the same path: equal for twins. Null where that is the key itself, as for most.
 * Kept in the ledger (`item.folded`), so that twins are found by one query.
 */
export function foldedPath(rules: NameRules, selection: Selection, key: string): string | null {
  const mapped = wantedPath(selection, key).replace(/\/$/, '');
  let path = mapped
    .split('/')
    .map((name) => kept(rules, name))
    .join('/');
  path = untold(rules, path);
  return path === key.replace(/\/$/, '') ? null : path;
}

/** The folded path of a twin with a number. */
export function numberedPath(
  rules: NameRules,
  selection: Selection,
  key: string,
  number: number,
  plain = kept(rules, nameOf(key)),
): string {
  const path = (folderAbove(key) ?? '') + numbered(plain, number);
  return foldedPath(rules, selection, path) ?? path;
}

/** Whether two paths that the target keeps lead to the same there. */
export function sameToTarget(rules: NameRules, one: string, other: string): boolean {
  return untold(rules, one) === untold(rules, other);
}

/** Without what the target does not tell apart. */
function untold({ formless, caseless }: NameRules, path: string): string {
  const formed = formless ? path.normalize('NFC') : path;
  return caseless ? formed.toLowerCase() : formed;
}

/** Who keeps its name: what is placed already, then names that the target can keep as they are, then the rest; by key. */
export function inOrder(rules: NameRules, keys: readonly string[], placed: ReadonlySet<string>): string[] {
  const rank = (key: string): number => (placed.has(key) ? 0 : problemsOf(rules, nameOf(key)).length === 0 ? 1 : 2);
  return [...keys].sort((a, b) => rank(a) - rank(b) || compareKeys(a, b));
}

function problemsOf(rules: NameRules, name: string): string[] {
  const problems: string[] = [];
  const refused = [...new Set(name)].filter((one) => isRefused(rules, one));
  if (refused.length > 0) problems.push(`the target keeps no ${refused.map(shown).join(' ')} in names`);
  if (isEnding(rules, name)) problems.push(`the target keeps no name that ends with ${shown(name.at(-1) as string)}`);
  const suffix = suffixOf(rules, name);
  if (suffix !== undefined) problems.push(`the target keeps no name that ends with ${suffix}`);
  if (isReserved(rules, name)) problems.push('the target reserves the name');
  const bytes = Buffer.byteLength(name);
  if (rules.nameBytes !== undefined && bytes > rules.nameBytes)
    problems.push(`the name has ${bytes} bytes, the target keeps ${rules.nameBytes}`);
  return problems;
}

/** The nearest name that the target keeps; the same name where it keeps that. */
function kept(rules: NameRules, name: string): string {
  let plain = [...name].map((one) => (isRefused(rules, one) ? '_' : one)).join('');
  if (isEnding(rules, plain)) plain = `${plain.slice(0, -1)}_`;
  if (suffixOf(rules, plain) !== undefined) plain += '_';
  if (isReserved(rules, plain)) plain = plain.replace(/^[^.]*/, (stem) => `${stem}_`);
  if (plain === '') plain = '_';
  return rules.nameBytes === undefined ? plain : shortened(plain, name, rules.nameBytes);
}

/** Cut to a size, and told apart from others that were cut by a hash of the whole. */
function shortened(plain: string, name: string, most: number): string {
  if (Buffer.byteLength(plain) <= most) return plain;
  const { stem, ending } = parts(plain);
  const mark = `~${createHash('sha256').update(name).digest('hex').slice(0, 8)}${Buffer.byteLength(ending) < 16 ? ending : ''}`;
  let short = '';
  for (const one of stem) {
    if (Buffer.byteLength(short + one + mark) > most) break;
    short += one;
  }
  return short + mark;
}

function numbered(name: string, n: number): string {
  const { stem, ending } = parts(name);
  return `${stem} (${n})${ending}`;
}

function parts(name: string): { readonly stem: string; readonly ending: string } {
  const at = name.lastIndexOf('.');
  return at > 0 ? { stem: name.slice(0, at), ending: name.slice(at) } : { stem: name, ending: '' };
}

function isRefused({ forbidden = '' }: NameRules, one: string): boolean {
  return one === '/' || forbidden.includes(one) || /\p{Cc}/u.test(one);
}

function isEnding({ endings = '' }: NameRules, name: string): boolean {
  return name !== '' && endings.includes(name.at(-1) as string);
}

function suffixOf({ suffixes = [] }: NameRules, name: string): string | undefined {
  const small = name.toLowerCase();
  return suffixes.find((suffix) => small.endsWith(suffix.toLowerCase()));
}

function isReserved({ reserved = [] }: NameRules, name: string): boolean {
  const stem = name.split('.', 1)[0]?.toLowerCase();
  return reserved.some((one) => one.toLowerCase() === name.toLowerCase() || one.toLowerCase() === stem);
}

function lastOf(key: string): string {
  return nameOf(key) + (key.endsWith('/') ? '/' : '');
}

function renamed(key: string, to: string, problems: readonly string[]): string {
  return `${nameOf(key)} was renamed to ${to}: ${problems.join('; ')}`;
}

function shown(one: string): string {
  return /[\p{Cc}\s]/u.test(one) ? `U+${(one.codePointAt(0) as number).toString(16).padStart(4, '0')}` : one;
}
