/** What the report reads. Read-only, one snapshot for all of it, so that its numbers agree with each other. */
import type { JsonObject, Kind } from '../connectors/contract.js';
import type { RunReason, RunState } from '../words/runs.js';
import type { Gate, UnitState } from '../words/units.js';
import { countDuplicates, DUPLICATES } from './duplicates.js';
import type { Made, Outcome, Todo } from './items.js';
import type { Ledger, Sql } from './ledger.js';

export interface ReportRun {
  readonly number: number;
  readonly reason: RunReason;
  /** The schedule that started it. */
  readonly schedule: string | null;
  readonly specHash: string;
  readonly state: RunState;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly totals: JsonObject | null;
  /** The run whose whole report it confirms: it changed nothing. */
  readonly confirms: number | null;
  /** When its outcomes were removed for their age. */
  readonly prunedAt: Date | null;
  /** How many units somebody asked for by their names; null: the whole spec, or all that a schedule names. */
  readonly part: number | null;
}

/** A run that nobody has closed. */
export interface OpenRun {
  readonly number: number;
  readonly paused: boolean;
  /** Somebody holds a lease on a target of its units. */
  readonly atWork: boolean;
  /** The last that was written down of it. */
  readonly lastWork: Date;
  /** The moment of the answer, by the ledger's clock. */
  readonly at: Date;
}

export interface ReportUnit {
  readonly n: number;
  readonly selection: string;
  readonly from: string;
  readonly to: string;
  /** Null while the accounts have never been opened: then nothing is known of their items. */
  readonly pairing: number | null;
  /** The pairing of the other direction, of units that go both ways. */
  readonly back: number | null;
  /** Null while nothing is known of its items. */
  readonly kind: Kind | null;
  /** The run that called it last. */
  readonly run: number;
  readonly state: UnitState;
  readonly gate: Gate | null;
  readonly reason: string | null;
  readonly next: string | null;
}

export interface ReportContainer {
  readonly id: number;
  /** The unit whose spec covers it. */
  readonly unit: number;
  /** Of the other direction: `path` is in what the spec calls the target. */
  readonly back: boolean;
  readonly path: readonly string[];
  readonly targetPath: readonly string[] | null;
  readonly excluded: number;
  readonly notes: readonly string[];
  /** About how many items it has: how much is read at once goes by it. */
  readonly about: number;
}

export interface ReportItem {
  readonly key: string;
  readonly bytes: number;
  readonly todo: Todo | null;
  readonly outcome: Outcome | null;
  readonly proof: string | null;
  readonly digest: string | null;
  readonly targetRef: string | null;
  /** The version (ETag) of the copy, for kinds whose items have versions. */
  readonly targetVersion: string | null;
  /** What was last done in the target; null where nothing was written, or only metadata. */
  readonly made: Made | null;
  readonly tries: number;
  readonly reason: string | null;
  readonly gone: boolean;
  /** The number of this migration's run that last changed it; null where that was another migration's. */
  readonly run: number | null;
}

export interface ReportGate {
  readonly unit: number;
  readonly run: number;
  readonly gate: Gate;
  readonly reason: string;
  readonly next: string | null;
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly closedBy: string | null;
}

/** An item that both sides had changed, or that met another of the same identity; of one run. */
export interface ReportConflict {
  readonly unit: number;
  readonly container: number;
  readonly back: boolean;
  readonly path: readonly string[];
  readonly targetPath: readonly string[] | null;
  readonly key: string;
  readonly targetRef: string | null;
  /** What happened and who won; of a container that goes back, `source` is what the spec calls the target. */
  readonly reason: string;
  readonly at: Date;
}

/** One extra copy in the target of an item that is there already. */
export interface ReportDuplicate {
  /** In what the spec calls the source: found on the way back. */
  readonly back: boolean;
  readonly targetPath: readonly string[] | null;
  readonly ref: string;
  readonly bytes: number;
  readonly digest: string;
}

export interface ReportSlice {
  /** When the first slice of a stretch of time began, and the last one ended. */
  readonly since: Date;
  readonly at: Date;
  readonly phase: string;
  /** What the slices that ended in it did. */
  readonly items: number;
  readonly bytes: number;
}

/** Runs `work` on one unchanging, read-only view of the ledger. */
export async function readSnapshot<T>(ledger: Ledger, work: (sql: Sql) => Promise<T>): Promise<T> {
  return ledger.transaction(async (sql) => {
    await sql.query('set transaction isolation level repeatable read, read only');
    return work(sql);
  });
}

/** Every run of a migration, the first one first; empty when the ledger does not know it. */
export async function readRuns(sql: Sql, migration: string): Promise<ReportRun[]> {
  const { rows } = await sql.query<ReportRun>(
    `select number, reason, schedule, spec as "specHash", state, started_at as "startedAt", ended_at as "endedAt", totals,
       confirms, pruned_at as "prunedAt", cardinality(part) as part
     from run where migration = $1 order by number`,
    [migration],
  );
  return rows;
}

/** The last run that nobody has closed. */
export async function readOpenRun(sql: Sql, migration: string): Promise<OpenRun | undefined> {
  const { rows } = await sql.query<OpenRun>(
    `select number, paused, now() as at,
       greatest(started_at, (select at from event where migration = $1 order by id desc limit 1),
         (select max(changed_at) from unit where migration = $1)) as "lastWork",
       exists (select from lease l join pairing p on p.target = l.place
         join unit u on u.migration = $1 and p.id in (u.pairing, u.back) where l.until > now()) as "atWork"
     from run join migration on name = migration where migration = $1 and state = 'running' order by number desc limit 1`,
    [migration],
  );
  return rows[0];
}

/**
 * The units a run stands for: those that it, or the last `apply` of a whole spec up to it, or a later run called. An account
 * that a later spec dropped is not among them; one that a retry left alone is. A run that somebody asked for by names stands
 * for what was named, unless the whole is asked for.
 */
export async function readReportUnits(
  sql: Sql,
  migration: string,
  run: number,
  scope: 'asked' | 'whole' = 'asked',
): Promise<ReportUnit[]> {
  const { rows } = await sql.query<ReportUnit>(
    `select n, selection, account_from as "from", account_to as "to", pairing, back, p.kind, u.run, u.state, gate, reason, next
     from unit u left join pairing p on p.id = pairing
     cross join (
       select max(number) filter (where reason = 'apply' and part is null and number <= $2) as applied,
         (select part from run where migration = $1 and number = $2 and $3) as part
       from run where migration = $1) this
     where u.migration = $1 and case when part is not null then n = any(part)
       when applied is not null then u.run >= applied else u.run >= $2 or $4 end
     order by n`,
    [migration, run, scope === 'asked', scope === 'whole'],
  );
  return rows;
}

/** `map.folders` of a spec's selections that have one, by the selection's name. */
export async function readFolderMaps(sql: Sql, spec: string): Promise<Map<string, Record<string, string>>> {
  const { rows } = await sql.query<{ name: string; folders: Record<string, string> }>(
    `select s->>'name' as name, s->'map'->'folders' as folders
     from spec, jsonb_array_elements(coalesce(body->'selections', '[]')) s
     where hash = $1 and s->'map'->'folders' is not null`,
    [spec],
  );
  return new Map(rows.map(({ name, folders }) => [name, folders]));
}

/**
 * The containers that the specs of these units cover, by unit and path; those of a unit's other direction after those of the
 * first. "offset 0": found by the index, also before statistics exist.
 */
export async function readReportContainers(
  sql: Sql,
  migration: string,
  units: readonly number[],
): Promise<ReportContainer[]> {
  const { rows } = await sql.query<ReportContainer>(
    `select c.id, u.n as unit, c.pairing is distinct from u.pairing as back, path, target_path as "targetPath", s.excluded, notes,
       (select coalesce(sum(n), 0)::bigint from item_count where container = c.id) as about
     from unit u
     cross join lateral (select * from container where pairing = any(array[u.pairing, u.back]) offset 0) c
     cross join lateral (select excluded from survey where container = c.id and migration = u.migration and unit = u.n offset 0) s
     where u.migration = $1 and u.n = any($2) order by u.n, back, path, c.id`,
    [migration, units],
  );
  return rows;
}

/**
 * The conflicts that a run wrote down: how many items, and the first `limit` of them. Each item once, by its last word;
 * one that both directions met, by that of the first.
 */
export async function readConflicts(
  sql: Sql,
  migration: string,
  run: number,
  limit: number,
): Promise<{ readonly count: number; readonly first: readonly ReportConflict[] }> {
  const { rows } = await sql.query<ReportConflict & { total: number }>(
    `with met as (
       select distinct on (container, key) id, unit, container, key, reason, at from outcome
       where migration = $1 and run = $2 and what = 'conflict' order by container, key, id desc),
     told as (
       select m.*, coalesce(c.pairing = u.back, false) as back, c.key as at_key, c.target_key, c.path, c.target_path, i.target_ref
       from met m join container c on c.id = m.container
         join unit u on u.migration = $1 and u.n = m.unit
         left join item i on i.container = m.container and i.key = m.key)
     select t.unit, t.container, t.back, t.path, t.target_path as "targetPath", t.key, t.target_ref as "targetRef",
       coalesce(t.reason, '') as reason, t.at, count(*) over () as total
     from told t where not (t.back and exists (
       select from told f where f.unit = t.unit and not f.back and f.target_key = t.at_key and f.target_ref = t.key))
     order by t.unit, t.path, t.id limit $3`,
    [migration, run, limit],
  );
  return { count: rows[0]?.total ?? 0, first: rows.map(({ total, ...conflict }) => conflict) };
}

/** Of `item` as i, and its `run` as r. */
const ITEM = `i.container, key, bytes, todo, outcome, proof, encode(digest, 'hex') as digest, target_ref as "targetRef",
  target_version as "targetVersion", made, tries, i.reason, gone, r.number as run`;
const ITS_RUN = 'left join run r on r.migration = $1 and r.id = i.run';

/**
 * Items of containers by key, a page of one container at a time; containers without items do not come. Small containers
 * are read together, large ones page by page: memory does not grow with their number.
 */
export async function* readReportItems<C extends Pick<ReportContainer, 'id' | 'about'>>(
  sql: Sql,
  migration: string,
  containers: readonly C[],
  pageSize = 5_000,
): AsyncGenerator<[C, ReportItem[]]> {
  for (let at = 0; at < containers.length; ) {
    const large = containers[at] as C;
    if (large.about > pageSize) {
      for await (const page of readLarge(sql, migration, large.id, pageSize)) yield [large, page];
      at++;
      continue;
    }
    const some: C[] = [];
    for (let items = 0; at < containers.length; at++) {
      const next = containers[at] as C;
      items += next.about;
      if (items > pageSize && some.length > 0) break;
      some.push(next);
    }
    const { rows } = await sql.query<ReportItem & { container: number }>({
      name: 'report-items-of-some',
      text: `select ${ITEM} from unnest($2::bigint[]) c (id)
         cross join lateral (select * from item where container = c.id offset 0) i ${ITS_RUN} order by i.container, key`,
      values: [migration, some.map(({ id }) => id)],
    });
    const byContainer = new Map<number, ReportItem[]>();
    for (const row of rows) {
      const of = byContainer.get(row.container);
      if (of) of.push(row);
      else byContainer.set(row.container, [row]);
    }
    for (const container of some) {
      const page = byContainer.get(container.id);
      if (page) yield [container, page];
    }
  }
}

/** With the next page on its way. */
async function* readLarge(
  sql: Sql,
  migration: string,
  container: number,
  pageSize: number,
): AsyncGenerator<ReportItem[]> {
  const read = (from: string): Promise<{ rows: ReportItem[] }> =>
    sql.query<ReportItem>({
      name: 'report-items',
      text: `select ${ITEM} from item i ${ITS_RUN} where i.container = $2 and key >= $3 order by key limit $4`,
      values: [migration, container, from, pageSize],
    });
  // From the empty key on, under which a container itself may stand (unlisted.ts).
  for (let page = read(''); ; ) {
    const { rows } = await page;
    const last = rows.length < pageSize;
    if (!last) {
      // No key lies between: text holds no NUL.
      page = read(`${(rows.at(-1) as ReportItem).key}\u0001`);
      // It is waited for above; a reader that stops before is told of its own failure.
      page.catch(() => {});
    }
    if (rows.length > 0) yield rows;
    if (last) return;
  }
}

/** Of these pairings, those in whose target something stands that no item claims: only they can have duplicates. */
export async function readUnclaimedPairings(sql: Sql, pairings: readonly number[]): Promise<Set<number>> {
  const { rows } = await sql.query<{ id: number }>(
    `select id from pairing where id = any($1) and exists (select from found where place = pairing.target and not taken)`,
    [pairings],
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Copies beyond the first in the containers of the target that the unit's spec covers: how many, and the first `limit` of
 * them. `pairings`: that of the first direction, then that of the other where there is one.
 */
export async function readDuplicates(
  sql: Sql,
  unit: { readonly migration: string; readonly n: number },
  pairings: readonly number[],
  limit: number,
): Promise<{ readonly count: number; readonly first: readonly ReportDuplicate[] }> {
  const count = await countDuplicates(sql, pairings, unit);
  if (count === 0) return { count, first: [] };
  const { rows } = await sql.query<ReportDuplicate>(
    `select b.target_path as "targetPath", b.pairing <> ($1::bigint[])[1] as back, f.ref, f.bytes, encode(f.digest, 'hex') as digest
     ${DUPLICATES} order by b.target_key, f.ref limit $4`,
    [pairings, unit.migration, unit.n, limit],
  );
  return { count, first: rows };
}

/** Gates at which units of a run waited, the first to stop a unit first. */
export async function readGates(sql: Sql, migration: string, run: number): Promise<ReportGate[]> {
  const { rows } = await sql.query<ReportGate>(
    `select unit, run, gate, reason, next, opened_at as "openedAt", closed_at as "closedAt", closed_by as "closedBy"
     from gate where migration = $1 and run = $2 order by id limit 2000`,
    [migration, run],
  );
  return rows;
}

/** What this run changed or could not do, by kind of outcome. */
export async function readChanges(
  sql: Sql,
  migration: string,
  run: number,
): Promise<{ what: string; count: number }[]> {
  const { rows } = await sql.query<{ what: string; count: number }>(
    `select what, count(*) as count from outcome where migration = $1 and run = $2 and what <> 'linked'
     group by what order by count(*) desc, what`,
    [migration, run],
  );
  return rows;
}

/** The run's slices of work, summed up in at most `stretches` equal stretches of its time. */
export async function readSlices(sql: Sql, migration: string, run: number, stretches: number): Promise<ReportSlice[]> {
  const { rows } = await sql.query<ReportSlice>(
    `with slice as (
       select at, at - coalesce((detail->>'ms')::float8, 0) * interval '1 ms' as since, detail->>'phase' as phase, coalesce((detail->>'items')::float8, 0) as items,
         coalesce((detail->>'bytes')::float8, 0) as bytes
       from event where migration = $1 and run = $2 and message = 'slice'),
     span as (select min(at) as first, greatest(extract(epoch from max(at) - min(at)), 0.001) as seconds from slice)
     select min(since) as since, max(at) as at, phase, sum(items) as items, sum(bytes) as bytes
     from slice, span where phase is not null
     group by phase, least($3::int - 1, floor(extract(epoch from at - first) / seconds * $3::int))
     order by max(at)`,
    [migration, run, stretches],
  );
  return rows;
}
