/** The event log that `migrate logs` reads. Messages are ours: no content, no subjects, no secrets. */
import type { JsonObject } from '../connectors/contract.js';
import { seenFromSpec } from '../words/sides.js';
import type { Ledger, Sql } from './ledger.js';

export type Level = 'info' | 'warn' | 'error';

export interface Event {
  readonly id: number;
  readonly at: Date;
  readonly migration: string;
  readonly run: number;
  readonly unit: number | null;
  /** Whose the unit is, as people know it; of events that are read. */
  readonly account?: string | null;
  readonly level: Level;
  readonly message: string;
  readonly detail: JsonObject;
}

export interface EventPlace {
  readonly migration: string;
  readonly run: number;
  readonly unit?: number;
  /** Of a two-way unit: on the way back. */
  readonly back?: boolean;
}

export async function writeEvent(
  sql: Sql,
  at: EventPlace,
  level: Level,
  message: string,
  detail: JsonObject = {},
): Promise<void> {
  await sql.query('insert into event (migration, run, unit, level, message, detail) values ($1, $2, $3, $4, $5, $6)', [
    at.migration,
    at.run,
    at.unit ?? null,
    level,
    seenFromSpec(message, at.back),
    JSON.stringify(detail),
  ]);
}

/** The activity that obeys a person: it may be tried again, and is then the same step. */
export interface Step {
  readonly id: string;
  readonly again: boolean;
}

/**
 * What a person asked for, by the word they used, where it is obeyed; once for each step. Without `run`: in the last one
 * that was opened.
 */
export async function noteAsked(
  sql: Sql,
  { migration, run }: { readonly migration: string; readonly run?: number },
  word: string,
  detail: JsonObject,
  step?: Step,
): Promise<void> {
  await sql.query(
    `insert into event (migration, run, level, message, detail)
     select name, coalesce($2, last_run), 'info', $3, $4 from migration
     where name = $1 and ($5::text is null or not exists (
       select from event where migration = $1 and detail ->> 'step' = $5 and message = $3))`,
    [
      migration,
      run ?? null,
      word,
      JSON.stringify({ ...detail, asked: true, ...(step && { step: step.id }) }),
      step?.again ? step.id : null,
    ],
  );
}

/** One sentence about the unit's filters, once for each run: `readFilterRemarks`. */
export async function noteFilter(sql: Sql, at: EventPlace, sentence: string): Promise<void> {
  await writeEvent(sql, at, 'warn', sentence, { filter: true });
}

/** What was said of filters in a run, with how many units it was said of. */
export async function readFilterRemarks(
  sql: Sql,
  migration: string,
  run: number,
): Promise<{ readonly said: string; readonly units: number }[]> {
  const { rows } = await sql.query<{ said: string; units: number }>(
    `select message as said, count(distinct unit)::int as units from event
     where migration = $1 and run = $2 and detail ? 'filter' group by message order by message limit 200`,
    [migration, run],
  );
  return rows;
}

/** Events after `after` (an event's id), oldest first. */
export async function readEvents(
  ledger: Ledger,
  migration: string,
  filter: { readonly after: number; readonly since?: Date; readonly unit?: number; readonly limit: number },
): Promise<Event[]> {
  const { rows } = await ledger.pool.query<Event>(
    `select e.id, e.at, e.migration, e.run, e.unit,
       case when u.account_from = u.account_to then u.account_from else u.account_from || ' → ' || u.account_to end as account,
       e.level, e.message, e.detail
     from event e left join unit u on u.migration = e.migration and u.n = e.unit
     where e.migration = $1 and e.id > $2 and ($3::timestamptz is null or e.at >= $3) and ($4::int is null or e.unit = $4)
     order by e.id limit $5`,
    [migration, filter.after, filter.since ?? null, filter.unit ?? null, filter.limit],
  );
  return rows;
}

/** One exception, or one change of a later run. */
export interface OutcomeEntry {
  readonly container: number;
  readonly key: string;
  readonly what: string;
  readonly reason?: string;
}

export async function writeOutcomes(
  sql: Sql,
  at: { readonly migration: string; readonly run: number; readonly unit: number },
  entries: readonly OutcomeEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await sql.query(
    `insert into outcome (migration, run, unit, container, key, what, reason)
     select $1, $2, $3, container, key, what, reason
     from unnest($4::bigint[], $5::text[], $6::text[], $7::text[]) as t (container, key, what, reason)`,
    [
      at.migration,
      at.run,
      at.unit,
      entries.map((e) => e.container),
      entries.map((e) => e.key),
      entries.map((e) => e.what),
      entries.map((e) => e.reason ?? null),
    ],
  );
}
