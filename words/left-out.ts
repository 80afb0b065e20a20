/** What a spec leaves out as a whole: one set of words for plan, console and report. */
import type { Kind } from '../connectors/contract.js';
import { plural } from './numbers.js';

/** Containers that one rule of one selection leaves out. */
export interface LeftOutRule {
  readonly selection: string;
  /** As the spec writes it, e.g. `exclude.roles junk`; or why the options leave it out, e.g. `others own it`. */
  readonly rule: string;
  readonly containers: number;
  /** Accounts that this concerns. */
  readonly units: number;
  /** What they hold; null where the source does not tell of all. */
  readonly items: number | null;
  /** The first of them. */
  readonly first: readonly { readonly unit: number; readonly path: string }[];
}

/** Of a whole run. */
export interface LeftOutSum {
  /** Containers by kind. */
  readonly kinds: Readonly<Partial<Record<Kind, number>>>;
  /** What they hold; null where a source does not tell of all. */
  readonly items: number | null;
}

/** E.g. `2 folders left out by the spec (31 items)`; undefined where nothing is. */
export function leftOutWords({ kinds, items }: LeftOutSum): string | undefined {
  const { mail: folders = 0, ...others } = kinds;
  const collections = Object.values(others).reduce((sum, n) => sum + n, 0);
  const what = [
    ...(folders > 0 ? [plural(folders, 'folder')] : []),
    ...(collections > 0 ? [plural(collections, 'collection')] : []),
  ];
  if (what.length === 0) return undefined;
  return `${what.join(' and ')} left out by the spec${items === null ? '' : ` (${plural(items, 'item')})`}`;
}
