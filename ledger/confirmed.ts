/**
 * Whether a run has anything to report. Most scheduled runs find everything as the run before left it: the last whole
 * report still says it all, and only has to say that they looked (docs/decisions/0038-what-is-kept.md).
 */
import type { RunReason } from '../words/runs.js';
import type { Sql } from './ledger.js';

/** What a person asked for by name, they get: `verify` and `retry` always leave a whole report. */
const CONFIRMING: readonly RunReason[] = ['schedule', 'apply'];

export interface ConfirmingRun {
  readonly run: number;
  /** The run whose whole report this one confirms. */
  readonly confirms: number;
  readonly reason: RunReason;
  readonly schedule: string | null;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly units: number;
  readonly items: number;
  readonly verified: number;
  readonly skipped: number;
  readonly bytes: number;
}

/**
 * The run, where it is done, has changed no item, has nothing to warn of, and where each of its units stands as the last
 * whole report says. Every run since that report did so too.
 */
export async function confirmingRun(sql: Sql, migration: string, run: number): Promise<ConfirmingRun | undefined> {
  const { rows } = await sql.query<ConfirmingRun>(
    `with this as (select * from run where migration = $1 and number = $2),
       base as (
         select number from run where migration = $1 and number < $2 and reported_at is not null
         order by number desc limit 1),
       changed as (
         select coalesce(sum((totals->>name)::bigint), 0) as n from this,
           unnest('{changed,created,updated,removed,conflicts,failures,pending}'::text[]) as name)
     select this.number as run, base.number as confirms, this.reason, this.schedule, this.started_at as "startedAt",
       this.ended_at as "endedAt", (totals->>'units')::int as units, (totals->>'items')::bigint as items,
       (totals->>'verified')::bigint as verified, (totals->>'skipped')::bigint as skipped, (totals->>'bytes')::bigint as bytes
     from this, base, changed
     where this.state = 'done' and this.reason = any($3) and changed.n = 0
       and exists (select from run b where b.migration = $1 and b.number = base.number and b.state = 'done'
         and (b.part is null or b.part = this.part))
       and not exists (select from run r where r.migration = $1 and r.number > base.number and r.number < $2
         and r.confirms is distinct from base.number)
       and not exists (select from outcome where migration = $1 and run = $2 and what <> 'linked')
       and not exists (select from event where migration = $1 and run = $2 and level <> 'info' and not detail ? 'filter')
       -- "changed" leaves out what was adopted, skipped, or has left the source and stays in the target.
       and not exists (select from survey s join unit u on u.migration = s.migration and u.n = s.unit
         join item_count i on i.container = s.container where u.migration = $1 and u.run = $2 and i.run = this.id)
       and not exists (select from (${STANDING}) u where u.run = $2 and u.said is distinct from u.reported)
       -- Accounts that an "apply" between did not call any more: its report does not stand for them (report.ts).
       and not exists (select from unit where migration = $1 and run >= (${APPLIED('base.number')}) and run < (${APPLIED('$2')}))`,
    [migration, run, CONFIRMING],
  );
  return rows[0];
}

/** The last "apply" of a whole spec up to a run of $1. */
const APPLIED = (run: string): string =>
  `select max(a.number) from run a where a.migration = $1 and a.reason = 'apply' and a.part is null and a.number <= ${run}`;

/** Notes that it left one line. */
export async function noteConfirmed(sql: Sql, migration: string, { run, confirms }: ConfirmingRun): Promise<void> {
  await sql.query('update run set confirms = $3 where migration = $1 and number = $2', [migration, run, confirms]);
}

/** Notes that the whole report of a run was left; from now on later runs are compared with what it says. */
export async function noteReported(sql: Sql, migration: string, run: number): Promise<void> {
  await sql.query(
    `with noted as (
       update run set reported_at = now(), confirms = null where migration = $1 and number = $2)
     update unit set reported = u.said from (${STANDING}) u where unit.migration = $1 and unit.n = u.n`,
    [migration, run],
  );
}

/**
 * What a report says of each unit of $1, in run $2: its counters but for those of a run, its folders with their notes, the
 * filters that fit nothing, and what the spec leaves out, but for how many items that holds: junk comes every night.
 */
const STANDING = `
  select u.n, u.run, u.reported, md5(concat_ws('|', m.spec, u.pairing, u.back,
    (u.counters - '{changed,created,updated,moved,removed}'::text[])::text, folders.said, filters.said, away.said)) as said
  from unit u join migration m on m.name = u.migration
  left join (
    select s.unit, string_agg(concat_ws(' ', c.id, c.path::text, c.target_path::text, c.notes::text), ';' order by c.id) as said
    from survey s join container c on c.id = s.container where s.migration = $1 group by s.unit) folders on folders.unit = u.n
  left join (
    select unit, string_agg(distinct message, ';' order by message) as said from event
    where migration = $1 and run = $2 and level <> 'info' and detail ? 'filter' group by unit) filters on filters.unit = u.n
  left join (
    select unit, string_agg(concat_ws(' ', back, key, path::text, rule), ';' order by back, key) as said
    from left_out where migration = $1 group by unit) away on away.unit = u.n
  where u.migration = $1`;
