/** What a survey puts back on the list: what an earlier run left undone, for a reason that may be gone. */
import type { Edits } from './items.js';
import type { Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';
import { COVERED, covered } from './surveys.js';

/** Conflicts that nobody won are looked at again in each run, where the unit's spec covers them: a person may have settled them. */
export async function lookAtConflicts(sql: Sql, surveyor: Surveyor): Promise<void> {
  await sql.query(
    `update item set todo = case when target_ref is null then 'create' else 'update' end
     where outcome = 'conflict' and todo is null and not gone and container in ${COVERED}`,
    covered(surveyor),
  );
}

/**
 * What earlier runs could not read or write is tried again in each run, where the unit's spec covers it: a lock may be
 * gone, a message made smaller, a right given. Containers themselves (unlisted.ts) are listed anew by themselves.
 */
export async function lookAtFailures(sql: Sql, surveyor: Surveyor, run: number, edits: Edits): Promise<void> {
  const failed = `todo is null and not gone and run <> $4 and key <> '' and container in ${COVERED}`;
  const values = [...covered(surveyor), run];
  // What was given up in doubt may have landed since: it is looked for before it is written.
  await sql.query(
    `update container set scanned = false where id in (select container from item where outcome = 'quarantined' and ${failed})`,
    values,
  );
  await sql.query(
    // A copy whose flags could not be set stands there: it counts again once they are set and it was read.
    `update item set todo = case when target_ref is null then 'create' else $5 end, tries = 0,
       outcome = case when target_ref is not null and $5 = 'meta' then 'arrived' else outcome end,
       proof = case when target_ref is not null and $5 = 'meta' then null else proof end,
       reason = case when target_ref is not null and $5 = 'meta' then null else reason end
     where outcome in ('refused', 'quarantined') and ${failed}`,
    [...values, edits === 'content' ? 'update' : 'meta'],
  );
}

/** Of these containers the ones that named what they did not describe: only a listing says what it is. */
export async function undescribedIn(sql: Sql, containers: readonly number[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql.query<{ container: number }>(
    `select distinct container from item where container = any($1) and version = '' and key <> '' and outcome = 'refused'
       and target_ref is null and not gone and meta->>'type' is distinct from 'folder'`,
    [containers],
  );
  return new Set(rows.map(({ container }) => container));
}

/** What an earlier spec skipped, or could not place, is decided anew. */
export async function unskip(sql: Sql, container: number): Promise<void> {
  await sql.query(
    `update item set todo = 'create', outcome = null, reason = null, identities = null
     where container = $1 and outcome in ('skipped', 'refused') and target_ref is null and not gone and key <> ''`,
    [container],
  );
}
