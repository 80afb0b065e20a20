/** Filters of folders and collections that fit none, said once a run. Of a tree of files its listing tells. */
import type { Container } from '../../connectors/contract.js';
import { noteFilter } from '../../ledger/events.js';
import type { Sql } from '../../ledger/ledger.js';
import { unfittedBy } from '../select/fitting-globs.js';
import type { Slice } from '../slice/slice.js';

export async function noteGlobs(
  sql: Sql,
  { selection, rules, input }: Pick<Slice, 'selection' | 'rules' | 'input'>,
  containers: readonly Container[],
): Promise<void> {
  if (rules.place === 'path' || input.back) return;
  for (const said of unfittedBy(containers, selection)) await noteFilter(sql, input, said);
}
