/** Rates and connections that a whole fleet shares. */
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

/** How long a system still wants to be left alone, in milliseconds; 0 when it does not. */
export async function blockedFor(ledger: Ledger, scope: string): Promise<number> {
  const { rows } = await ledger.pool.query<{ ms: number }>(
    `select greatest(0, extract(epoch from blocked_until - clock_timestamp()) * 1000)::float8 as ms
     from budget where scope = $1 and blocked_until is not null`,
    [scope],
  );
  return Math.ceil(rows[0]?.ms ?? 0);
}

/** Takes one of `limit` slots; false when all are taken. */
export async function takeSlot(ledger: Ledger, scope: string, holder: string, limit: number): Promise<boolean> {
  return ledger.transaction(async (sql) => {
    await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [scope]);
    await sql.query('delete from slot where scope = $1 and until < clock_timestamp()', [scope]);
    const { rowCount } = await sql.query(
      `insert into slot (scope, holder, until)
       select $1, $2, clock_timestamp() + $4 * interval '1 ms'
       where (select count(*) from slot where scope = $1) < $3`,
      [scope, holder, limit, SLOT_MS],
    );
    return rowCount === 1;
  });
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
