/** What an approval covers: items whose copies a run has marked for removal, and items that failed in it. */
import { createHash } from 'node:crypto';
import type { Kind } from '../connectors/contract.js';
import type { CoveredCause } from '../words/covers.js';
import type { PlanDeletion } from '../words/plan.js';
import type { Gate } from '../words/units.js';
import type { Sql } from './ledger.js';
import { GONE } from './removals.js';

export interface RunAt {
  readonly migration: string;
  /** Its number. */
  readonly run: number;
}

export interface CoveredRow extends PlanDeletion {
  readonly kind: Kind;
  readonly reason: string | null;
}

/** The gates that a person opens by approving what they cover. */
export type ApprovalGate = Extract<Gate, 'approval' | 'failures'>;

export const isApproval = (gate: Gate | null): gate is ApprovalGate => gate === 'approval' || gate === 'failures';

// Those that could not be carried. Conflicts are for people to settle one by one; no approval is about them.
const FAILED = `(not gone or target_ref is not null) and outcome in ('refused', 'quarantined', 'altered', 'missing', 'unsure', 'conflict') and outcome <> 'conflict'`;

const WHICH: Readonly<Record<ApprovalGate, string>> = { approval: `${GONE} and removal = r.id`, failures: FAILED };

/** `page`: which of them, or in which order. Fenced off, so that the items are found by their indexes. */
const ITEMS_OF = (gate: ApprovalGate, columns: string, page = 'offset 0'): string => `
  from unit u join run r on r.migration = u.migration and r.number = $2
    join survey s on s.migration = u.migration and s.unit = u.n
    join container c on c.id = s.container and (c.pairing = u.pairing or c.pairing = u.back)
    join pairing p on p.id = c.pairing
    cross join lateral (select ${columns} from item where container = c.id and ${WHICH[gate]} ${page}) i
  where u.migration = $1 and u.run = $2 and u.n = any($3)`;

export interface Counted {
  readonly token: string;
  readonly items: number;
}

/** How many items each unit's gate covers, and a token for exactly these: the same in whatever order they are read. */
export async function countCovered(
  sql: Sql,
  { migration, run }: RunAt,
  units: readonly number[],
  gate: ApprovalGate,
): Promise<Map<number, Counted>> {
  const { rows } = await sql.query<{ n: number; items: number; sum: string }>(
    `select u.n, sum(i.items)::bigint as items, coalesce(sum(i.sum), 0)::text as sum
     ${ITEMS_OF(
       gate,
       `count(*) as items, sum(('x' || substr(md5(container || '/' || coalesce(target_ref, '') || '/' || key), 1, 15))::bit(60)::bigint) as sum`,
     )} group by u.n`,
    [migration, run, units],
  );
  return new Map(
    rows.map(({ n, items, sum }) => {
      const all = [migration, run, n, gate, items, sum].join('\n');
      return [n, { items, token: createHash('sha256').update(all).digest('hex').slice(0, 16) }];
    }),
  );
}

const ROW = `u.n as unit, u.selection, u.account_from as "from", u.account_to as "to", p.kind, c.pairing is not distinct from u.back as back,
  c.path, c.target_path as "targetPath", i.key, i.target_ref as ref, i.bytes, i.date, i.reason`;
const ITEM = `key, target_ref, bytes, coalesce(meta->>'date', meta->>'modified') as date, coalesce(reason, outcome) as reason`;

/** The first items that a unit's gate covers, by folder and key. */
export async function firstCovered(
  sql: Sql,
  { migration, run }: RunAt,
  unit: number,
  gate: ApprovalGate,
  limit: number,
): Promise<CoveredRow[]> {
  const { rows } = await sql.query<CoveredRow>(
    `select ${ROW} ${ITEMS_OF(gate, ITEM)} order by back, c.path, c.id, i.key limit $4`,
    [migration, run, [unit], limit],
  );
  return rows;
}

/** Why the items failed that a unit's gate covers: the most frequent reasons. */
export async function causesOf(
  sql: Sql,
  { migration, run }: RunAt,
  unit: number,
  limit: number,
): Promise<CoveredCause[]> {
  const { rows } = await sql.query<CoveredCause>(
    `select i.reason, count(*) as items ${ITEMS_OF('failures', ITEM)} group by 1 order by 2 desc, 1 limit $4`,
    [migration, run, [unit], limit],
  );
  return rows;
}

/** All of them, a page of one folder at a time: memory does not grow with their number. */
export async function* eachCovered(
  sql: Sql,
  { migration, run }: RunAt,
  unit: number,
  gate: ApprovalGate,
  pageSize = 5_000,
): AsyncGenerator<CoveredRow[]> {
  const containers = await sql.query<{ id: number }>(
    `select c.id from unit u join survey s on s.migration = u.migration and s.unit = u.n
       join container c on c.id = s.container and (c.pairing = u.pairing or c.pairing = u.back)
     where u.migration = $1 and u.n = $2 order by c.pairing is not distinct from u.back, c.path, c.id`,
    [migration, unit],
  );
  for (const { id } of containers.rows) {
    // Behind the empty key a container itself may stand (unlisted.ts).
    for (let from = ''; ; ) {
      const { rows } = await sql.query<CoveredRow>(
        `select ${ROW} ${ITEMS_OF(gate, ITEM, 'and key >= $5 order by key limit $6')} and c.id = $4 order by i.key`,
        [migration, run, [unit], id, from, pageSize],
      );
      if (rows.length > 0) yield rows;
      if (rows.length < pageSize) break;
      from = `${(rows.at(-1) as CoveredRow).key}\u0001`;
    }
  }
}

export interface WaitingUnit {
  readonly n: number;
  readonly gate: ApprovalGate;
  readonly selection: string;
  readonly from: string;
  readonly to: string;
}

/** Units that wait for an approval in a run, in their order. */
export async function waitingForApproval(sql: Sql, { migration, run }: RunAt): Promise<WaitingUnit[]> {
  const { rows } = await sql.query<WaitingUnit>(
    `select n, gate, selection, account_from as "from", account_to as "to" from unit
     where migration = $1 and run = $2 and state = 'parked' and gate in ('approval', 'failures') order by n`,
    [migration, run],
  );
  return rows;
}
