/** Items that are not proven, grouped by reason: thousands with one cause are one line with some examples. */
import type { ReportContainer, ReportItem, ReportUnit } from '../ledger/report.js';
import type { Standing } from './standing.js';

export interface ExceptionExample {
  readonly unit: number;
  readonly account: string;
  readonly folder: string;
  readonly key: string;
  readonly bytes: number;
  readonly targetRef: string | null;
  readonly tries: number;
  /** The item's own reason, which may name what the group's leaves open. */
  readonly reason: string | null;
}

export interface ExceptionGroup {
  readonly standing: Standing;
  /** Of the group's first item. */
  readonly reason: string;
  count: number;
  bytes: number;
  readonly examples: ExceptionExample[];
}

/** Caps that keep the page small enough to open; what is beyond them is in items.csv. */
export const MAX_GROUPS = 300;
export const MAX_EXAMPLES = 2_000;

/** The empty key is that of the folder itself (ledger/unlisted.ts). */
function keyWords(key: string): string {
  return key === '' ? 'the folder itself' : key;
}

export class Exceptions {
  readonly #groups = new Map<string, ExceptionGroup>();
  #examples = 0;

  /** `reason`: what is said of the whole group; the item's own where that names nothing of it. */
  add(
    unit: ReportUnit,
    container: ReportContainer,
    item: ReportItem,
    standing: Standing,
    reason = item.reason ?? '',
  ): void {
    const group = this.#groupOf(standing, reason);
    group.count++;
    group.bytes += item.bytes;
    // A share for every group, so that a flood of one cause does not hide the others.
    if (group.examples.length >= 200 || this.#examples >= MAX_EXAMPLES) return;
    this.#examples++;
    group.examples.push({
      unit: unit.n,
      account: container.back ? unit.to : unit.from,
      folder: container.path.join('/') || '/',
      key: keyWords(item.key),
      bytes: item.bytes,
      targetRef: item.targetRef,
      tries: item.tries,
      reason: item.reason,
    });
  }

  /** The largest first within each standing, in the order the page shows them. */
  groups(order: readonly Standing[]): ExceptionGroup[] {
    return [...this.#groups.values()].sort(
      (a, b) => order.indexOf(a.standing) - order.indexOf(b.standing) || b.count - a.count,
    );
  }

  #groupOf(standing: Standing, reason: string): ExceptionGroup {
    // Servers put numbers (sizes, UIDs) into their words; they do not make it another reason.
    const key = `${standing} ${reason.replace(/\d+/g, '0')}`;
    const known = this.#groups.get(key);
    if (known) return known;
    const full = this.#groups.size >= MAX_GROUPS;
    const rest = `${standing} and other reasons`;
    const group = (full ? this.#groups.get(rest) : undefined) ?? {
      standing,
      reason: full ? 'other reasons, each in items.csv' : reason,
      count: 0,
      bytes: 0,
      examples: [],
    };
    this.#groups.set(full ? rest : key, group);
    return group;
  }
}
