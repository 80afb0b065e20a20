/** What an approval would cover, for whoever is asked for it. */
import type { ApprovalGate, Counted, CoveredRow, RunAt } from '../../ledger/covered.js';
import { causesOf, countCovered, firstCovered, isApproval } from '../../ledger/covered.js';
import type { Sql } from '../../ledger/ledger.js';
import type { SpecRules } from '../../schemas/spec.js';
import { deletedFrom } from '../../schemas/system-words.js';
import type { CoveredItem, Covers } from '../../words/covers.js';
import { COVERED_NAMED } from '../../words/covers.js';
import type { Gate } from '../../words/units.js';

/** Of each unit that waits at such a gate. The first `named` of them name their first items. */
export async function coversOf(
  sql: Sql,
  spec: SpecRules,
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
        covers.size < named ? await namedCovers(sql, spec, at, n, gate, counted) : { ...counted, first: [] },
      );
  }
  return covers;
}

async function namedCovers(
  sql: Sql,
  spec: SpecRules,
  at: RunAt,
  n: number,
  gate: ApprovalGate,
  counted: Counted,
): Promise<Covers> {
  const rows = await firstCovered(sql, at, n, gate, COVERED_NAMED);
  const [head] = rows;
  const first = rows.map((row) => coveredItem(row, gate));
  if (gate === 'failures') return { ...counted, first, causes: await causesOf(sql, at, n, CAUSES) };
  return { ...counted, ...(head && deletedFrom(spec, head)), first };
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
