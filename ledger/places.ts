/** Places and pairings: who is who, whatever a spec calls them. */
import type { Kind, Place } from '../connectors/contract.js';
import type { Ledger, Sql } from './ledger.js';

export interface Pairing {
  readonly id: number;
  readonly source: number;
  readonly target: number;
  readonly kind: Kind;
}

/** Finds or makes the pairing of two places. */
export async function ensurePairing(ledger: Ledger, source: Place, target: Place, kind: Kind): Promise<Pairing> {
  const known = await ledger.pool.query<Omit<Pairing, 'kind'>>({
    name: 'known-pairing',
    text: `select p.id, p.source, p.target from place s join place t on t.proof = $3 and t.system = $4
       join pairing p on p.source = s.id and p.target = t.id and p.kind = $5 where s.proof = $1 and s.system = $2`,
    values: [source.proof, source.system, target.proof, target.system, kind],
  });
  if (known.rows[0]) return { ...known.rows[0], kind };
  const from = await ensurePlace(ledger, source);
  const to = await ensurePlace(ledger, target);
  const { rows } = await ledger.pool.query<{ id: number }>(
    `insert into pairing (source, target, kind) values ($1, $2, $3)
     on conflict (source, target, kind) do update set kind = excluded.kind returning id`,
    [from, to, kind],
  );
  return { id: (rows[0] as { id: number }).id, source: from, target: to, kind };
}

async function ensurePlace(ledger: Ledger, place: Place): Promise<number> {
  const { rows } = await ledger.pool.query<{ id: number }>(
    `insert into place (proof, system) values ($1, $2)
     on conflict (proof) do update set seen_at = now(), system = excluded.system returning id`,
    [place.proof, place.system],
  );
  return (rows[0] as { id: number }).id;
}

/** The disk that a place stood on when it was last written to; undefined where that was never noted. */
export async function rootOf(sql: Sql, place: number): Promise<string | undefined> {
  const { rows } = await sql.query<{ root: string | null }>('select root from place where id = $1', [place]);
  return rows[0]?.root ?? undefined;
}

export async function noteRoot(sql: Sql, place: number, root: string): Promise<void> {
  await sql.query('update place set root = $2 where id = $1 and root is distinct from $2', [place, root]);
}
