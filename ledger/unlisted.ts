/**
 * What a container does not show of itself, or what the target does not let be made of it. It stands among the container's
 * items as one more, under the empty key, which no system has and no listing reaches: so it is counted, reported and
 * remembered like any item that failed.
 */
import type { Sql } from './ledger.js';

/** Which side said it. */
export type Saying = 'source' | 'target';

/** The container counts as one failure, in the system's words. */
export async function noteUnlisted(
  sql: Sql,
  container: number,
  said: { readonly by: Saying; readonly reason: string; readonly run: number },
): Promise<void> {
  await sql.query(
    `insert into item (container, key, rank, version, meta, bytes, outcome, proof, reason, run)
     values ($1, '', 0, '', '{}', 0, 'refused', $2, $3, $4)
     on conflict (container, key) do update set outcome = 'refused', proof = excluded.proof, reason = excluded.reason,
       run = excluded.run, gone = false`,
    [container, said.by, said.reason, said.run],
  );
}

/** It was shown as a whole, or made after all. */
export async function clearUnlisted(sql: Sql, container: number, by: Saying): Promise<void> {
  await sql.query({
    name: 'clear-unlisted',
    text: `delete from item where container = $1 and key = '' and coalesce(proof, $2) = $2`,
    values: [container, by],
  });
}

/** One more time in this run that the container could not be listed, for a reason that may pass. Returns how many these are. */
export async function countListing(sql: Sql, container: number, run: number): Promise<number> {
  const { rows } = await sql.query<{ tries: number }>(
    `insert into item (container, key, rank, version, meta, bytes, tries, run) values ($1, '', 0, '', '{}', 0, 1, $2)
     on conflict (container, key) do update set
       tries = case when item.run = excluded.run then item.tries + 1 else 1 end, run = excluded.run
     returning tries`,
    [container, run],
  );
  return rows[0]?.tries ?? 1;
}

/** Containers that could not be listed before, with how often: those without trouble come first. */
export async function listingTries(sql: Sql, pairing: number): Promise<ReadonlyMap<number, number>> {
  const { rows } = await sql.query<{ container: number; tries: number }>(
    `select i.container, i.tries from container c join item i on i.container = c.id and i.key = ''
     where c.pairing = $1 and i.tries > 0`,
    [pairing],
  );
  return new Map(rows.map(({ container, tries }) => [container, tries]));
}

/**
 * A listing that was not whole tells nothing of what it left out: what it took for gone is there again. What was to be
 * done with that is decided when it is listed again: rows without a copy are taken for left out, edits for unknown.
 */
export async function restoreUnlisted(sql: Sql, container: number, run: number): Promise<void> {
  await sql.query(
    `update item set gone = false, version = case when target_ref is null then version else '' end
     where container = $1 and gone and run = $2`,
    [container, run],
  );
}
