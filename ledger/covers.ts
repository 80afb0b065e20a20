/** What an approval would cover, for whoever is asked for it. */

import type { CoveredItem, Covers } from '../words/covers.js';
import { COVERED_NAMED } from '../words/covers.js';
import type { Gate } from '../words/units.js';
import type { ApprovalGate, Counted, CoveredRow, RunAt } from './covered.js';
import { causesOf, countCovered, firstCovered, isApproval } from './covered.js';
import type { Sql } from './ledger.js';

/** As the spec names the system that a copy was written to, and its account. */
type DeletedFrom = (row: CoveredRow) => { readonly system: string; readonly account: string };

/** Of each unit that waits at such a gate. The first `named` of them name their first items. */
export async function coversOf(
  sql: Sql,
  deletedFrom: DeletedFrom,
  at: RunAt,
  waiting: readonly { readonly n: number; readonly gate: Gate | null }[],
  named: number,
): Promise<Map<number, Covers>> {
  const covers = new Map<number, Covers>();
  for (const gate of ['approval', 'failures'] as const) {
    const units = waiting.filter((unit) => unit.gate === gate && isApproval(unit.gate)).map(({ n }) => n);
    if (units.length === 0) continue;
    for (const [n, counted] of await countCovered(sql, at, units, gate))
      covers.set(
        n,
        covers.size < named ? await namedCovers(sql, deletedFrom, at, n, gate, counted) : { ...counted, first: [] },
      );
  }
  return covers;
}

async function namedCovers(
  sql: Sql,
  deletedFrom: DeletedFrom,
  at: RunAt,
  n: number,
  gate: ApprovalGate,
  counted: Counted,
): Promise<Covers> {
  const rows = await firstCovered(sql, at, n, gate, COVERED_NAMED);
  const [head] = rows;
  const first = rows.map((row) => coveredItem(row, gate));
  if (gate === 'failures') return { ...counted, first, causes: await causesOf(sql, at, n, CAUSES) };
  return { ...counted, ...(head && deletedFrom(head)), first };
}

function coveredItem(row: CoveredRow, gate: ApprovalGate): CoveredItem {
  const { path, targetPath, key, ref, bytes, date, reason } = row;
  const folder = gate === 'approval' ? (targetPath ?? path) : path;
  return {
    folder: cut(folder.join('/')),
    key: cut(key),
    ...(gate === 'approval' && ref !== null && ref !== key && { ref: cut(ref) }),
    bytes,
    ...(date !== null && { date: cut(date) }),
    ...(gate === 'failures' && reason !== null && { reason: cut(reason) }),
  };
}

const CAUSES = 10;
const LONG = 200;

/** Both ends tell most of a path. */
function cut(text: string): string {
  return text.length <= LONG ? text : `${text.slice(0, LONG / 2)}…${text.slice(1 - LONG / 2)}`;
}
