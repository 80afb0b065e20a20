/** The feed of changes of one container: what it says is written down page by page. */
import type { Change, Container, Page, Source } from '../../connectors/contract.js';
import { stageChanges } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Sql } from '../../ledger/ledger.js';
import { coversItem } from '../select/selecting.js';
import type { Slice } from '../slice/slice.js';
import { isUndescribed, leaveUncovered } from './listing-rules.js';

export interface Applied {
  /** The state behind the changes, where the feed told it. */
  readonly token: string | undefined;
  /** Something was named and not described: no token stands for that. */
  readonly undescribed: boolean;
}

/** `also` belongs to the transaction of each page. Throws `Fault('cursor-lost')` where the source does not know the token. */
export async function applyChanges(
  slice: Slice,
  source: Source<unknown>,
  container: Container,
  row: { readonly id: number },
  since: string,
  also: (sql: Sql, changes: readonly Change[]) => Promise<void> = async () => {},
): Promise<Applied> {
  const { deps, lease, signal, tally } = slice;
  const covers = coversItem(slice.selection);
  const pages = source.changes?.(container, since, signal) as AsyncIterable<Page<Change>>;
  let undescribed = false;
  let token: string | undefined;
  for await (const page of pages) {
    const entries = lastOfEach(page.entries);
    const changes = entries.filter((change) => change.change === 'gone' || covers(change.item));
    const left = entries.flatMap((c) => (c.change === 'gone' || covers(c.item) ? [] : [c.item.key]));
    await fenced(deps.ledger, lease, async (sql) => {
      await stageChanges(sql, row.id, changes, slice.run, slice.rules.edits);
      await leaveUncovered(sql, slice, row.id, left);
      await also(sql, entries);
    });
    tally.items += changes.length;
    undescribed ||= changes.some((change) => change.change === 'upsert' && isUndescribed(slice, change.item));
    token = page.token ?? token;
  }
  return { token, undescribed };
}

/** Feeds of some systems repeat themselves. */
function lastOfEach(changes: readonly Change[]): readonly Change[] {
  const last = new Map(changes.map((change) => [change.change === 'gone' ? change.key : change.item.key, change]));
  return last.size === changes.length ? changes : [...last.values()];
}
