/** Rates and connections that a whole fleet shares. */
import pg from 'pg';
import type { Ledger } from './ledger.js';

/** How long a slot outlives its last renewal, in milliseconds. */
export const SLOT_MS = 15_000;

/** What the bucket holds now: it fills at $2 a second, up to one second's worth. */
const FILLED =
  'least($2::float8, budget.tokens + $2::float8 * greatest(0, extract(epoch from clock_timestamp() - budget.at)))';

/**
 * Draws `amount` from a token bucket that fills at `perSecond`, unless it is in debt; the draw itself may leave a
 * debt. Answers 0 when it has drawn, else how long until the debt is paid, in milliseconds.
 */
export async function drawBudget(ledger: Ledger, scope: string, perSecond: number, amount: number): Promise<number> {
  const { rowCount } = await ledger.pool.query({
    name: 'draw-budget',
    text: `insert into budget (scope, tokens, at) values ($1, $2::float8 - $3::float8, clock_timestamp())
     on conflict (scope) do update set tokens = ${FILLED} - $3::float8, at = clock_timestamp() where ${FILLED} >= 0`,
    values: [scope, perSecond, amount],
  });
  if (rowCount === 1) return 0;
  const { rows } = await ledger.pool.query<{ tokens: number }>(
    `select ${FILLED} as tokens from budget where scope = $1`,
    [scope, perSecond],
  );
  return Math.max(1, Math.ceil((-(rows[0]?.tokens ?? 0) / perSecond) * 1000));
}

/** Tells the fleet that a system asked to be left alone. */
export async function blockScope(ledger: Ledger, scope: string, forMs: number): Promise<void> {
  await ledger.pool.query(
    `insert into budget (scope, tokens, at, blocked_until)
     values ($1, 0, clock_timestamp(), clock_timestamp() + $2 * interval '1 ms')
     on conflict (scope) do update set blocked_until = greatest(budget.blocked_until, excluded.blocked_until)`,
    [scope, forMs],
  );
}

/** Whoever was to leave these systems alone need not any more; whether there was anybody. */
export async function liftBlocks(ledger: Ledger, scopes: readonly string[]): Promise<boolean> {
  const { rowCount } = await ledger.pool.query(
    'update budget set blocked_until = null where scope = any($1) and blocked_until > clock_timestamp()',
    [scopes],
  );
  return (rowCount ?? 0) > 0;
}

/** How long the last of these systems still wants to be left alone, in milliseconds; 0 when none does. */
export async function blockedFor(ledger: Ledger, scopes: readonly string[]): Promise<number> {
  const { rows } = await ledger.pool.query<{ ms: number | null }>({
    name: 'blocked-for',
    text: `select max(extract(epoch from blocked_until - clock_timestamp()) * 1000)::float8 as ms
     from budget where scope = any($1)`,
    values: [scopes],
  });
  return Math.max(0, Math.ceil(rows[0]?.ms ?? 0));
}

/** What a connection needs one slot of, and how many there are. */
export interface SlotScope {
  readonly scope: string;
  readonly limit: number;
}

/**
 * Takes one slot of each scope, or none at all; returns the scopes that are full. What `givenBack` held is free before
 * that. In one round trip: each statement sees what others have committed before it held the locks.
 */
export async function takeSlots(
  ledger: Ledger,
  holder: string,
  wanted: readonly SlotScope[],
  givenBack: readonly string[] = [],
): Promise<readonly string[]> {
  const { escapeLiteral } = pg;
  const scopes = wanted.map(({ scope }) => escapeLiteral(scope));
  const limits = `(values ${wanted.map(({ limit }, at) => `(${scopes[at]}, ${Math.trunc(limit)})`).join(', ')}) as w (scope, most)`;
  const full = `(select count(*) from slot where scope = w.scope) >= w.most`;
  const results = await ledger.pool.query(
    [
      ...scopes.map((scope) => `select pg_advisory_xact_lock(hashtextextended(${scope}, 0))`),
      `delete from slot where ctid = any (array(
         select ctid from slot where scope in (${scopes.join(', ')}) and until < clock_timestamp() for update skip locked))`,
      ...(givenBack.length > 0
        ? [`delete from slot where holder in (${givenBack.map(escapeLiteral).join(', ')})`]
        : []),
      `insert into slot (scope, holder, until)
       select scope, ${escapeLiteral(holder)}, clock_timestamp() + ${SLOT_MS} * interval '1 ms' from ${limits}
       where not exists (select from ${limits} where ${full})`,
      `select scope from ${limits} where ${full}
       and not exists (select from slot where holder = ${escapeLiteral(holder)})`,
    ].join('; '),
  );
  // Of several statements the driver returns several results.
  const { rows } = (results as unknown as pg.QueryResult<{ scope: string }>[]).at(-1) as pg.QueryResult<{
    scope: string;
  }>;
  return rows.map(({ scope }) => scope);
}

/** Renews the slots of these holders; those of others lapse, as does one whose giving back was lost. */
export async function renewSlots(ledger: Ledger, holders: readonly string[]): Promise<void> {
  await ledger.renewals.query(
    `update slot set until = clock_timestamp() + $2 * interval '1 ms' where holder = any($1)`,
    [holders, SLOT_MS],
  );
}

/** Gives back every slot of these holders. Harmless to repeat. */
export async function freeSlots(ledger: Ledger, holders: readonly string[]): Promise<void> {
  await ledger.pool.query('delete from slot where holder = any($1)', [holders]);
}
