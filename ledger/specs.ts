/** Specs by their hashes: the rules that slices read, the accounts beside them, and parts of large ones on their way. */
import { Fault } from '../connectors/errors.js';
import type { SpecPart } from '../schemas/packed-spec.js';
import type { Account, Selection, Spec, SpecRules } from '../schemas/spec.js';
import type { Ledger, Sql } from './ledger.js';

/** Writes a spec down: its rules, and each list of accounts beside them. Safe to repeat. */
export async function saveSpec(ledger: Ledger, hash: string, spec: Spec): Promise<void> {
  const lists: { readonly selection: string; readonly accounts: readonly Account[] }[] = [];
  const selections = spec.selections.map(({ accounts, ...rules }) => {
    if (accounts === 'all') return { ...rules, accounts };
    lists.push({ selection: rules.name, accounts });
    return rules;
  });
  await ledger.transaction(async (sql) => {
    await sql.query(
      `insert into spec (hash, name, body) values ($1, $2, $3)
       on conflict (hash) do update set submitted_at = now()`,
      [hash, spec.name, JSON.stringify({ ...spec, selections })],
    );
    for (const { selection, accounts } of lists)
      await sql.query(
        `insert into spec_accounts (spec, selection, accounts) values ($1, $2, $3)
         on conflict (spec, selection) do update set accounts = excluded.accounts`,
        [hash, selection, JSON.stringify(accounts)],
      );
  });
}

/** The spec under a hash, without its lists of accounts. */
export async function readSpec(sql: Sql, hash: string): Promise<SpecRules> {
  const { rows } = await sql.query<{ body: SpecRules }>('select body from spec where hash = $1', [hash]);
  if (!rows[0]) throw new Fault('internal', `the ledger holds no spec ${hash.slice(0, 12)}`);
  return rows[0].body;
}

/** The spec under a hash with all its accounts, which may be many thousands. */
export async function readWholeSpec(sql: Sql, hash: string): Promise<Spec> {
  const spec = await readSpec(sql, hash);
  const { rows } = await sql.query<{ selection: string; accounts: readonly Account[] }>(
    'select selection, accounts from spec_accounts where spec = $1',
    [hash],
  );
  const listed = new Map(rows.map(({ selection, accounts }) => [selection, accounts]));
  const selections = spec.selections.map((rules: Selection & { readonly accounts?: 'all' }) => {
    const accounts = rules.accounts ?? listed.get(rules.name);
    // Nobody would be a run that ends as done.
    if (!accounts) throw new Fault('internal', `the ledger lacks the accounts of the selection "${rules.name}"`);
    return { ...rules, accounts };
  });
  return { ...spec, selections };
}

export async function hasSpec(sql: Sql, hash: string): Promise<boolean> {
  return (await sql.query('select from spec where hash = $1', [hash])).rowCount === 1;
}

/** The hash of the spec a migration ran last; undefined before its first run. */
export async function currentSpec(sql: Sql, migration: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ spec: string }>('select spec from migration where name = $1', [migration]);
  return rows[0]?.spec;
}

/** Writes down one part of a spec. The same part again replaces it, and one of another number of parts replaces all. */
export async function savePart(ledger: Ledger, { hash, part, of, data }: SpecPart): Promise<void> {
  await ledger.transaction(async (sql) => {
    await sql.query('delete from spec_part where spec = $1 and parts <> $2', [hash, of]);
    await sql.query(
      `insert into spec_part (spec, part, parts, data) values ($1, $2, $3, $4)
       on conflict (spec, part) do update set parts = excluded.parts, data = excluded.data, kept_at = now()`,
      [hash, part, of, data],
    );
  });
}

/** The parts of a spec in their order, or undefined while some are missing. */
export async function readParts(sql: Sql, hash: string): Promise<string[] | undefined> {
  const { rows } = await sql.query<{ data: string }>(
    `select data from spec_part where spec = $1 and parts = (select count(*) from spec_part where spec = $1) order by part`,
    [hash],
  );
  return rows.length > 0 ? rows.map(({ data }) => data) : undefined;
}

/** Removes the parts of a spec that is put together. */
export async function removeParts(sql: Sql, hash: string): Promise<void> {
  await sql.query('delete from spec_part where spec = $1', [hash]);
}

/** Removes parts that nobody completed within a day. */
export async function removeOldParts(sql: Sql): Promise<void> {
  await sql.query(`delete from spec_part where kept_at < now() - interval '1 day'`);
}
