/** What should stand in the target, by the ledger. */
import type { ContainerRow } from './containers.js';
import { CONTAINER_COLUMNS } from './containers.js';
import type { Ledger, Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';

/** Items whose copies were written or found; also those that a verify has put on the list, which may be broken off. */
const STANDS = `target_ref is not null and not gone and outcome in ('verified', 'arrived')`;

/** Some references that should stand in a container, as chance has it: in the order of their digests. */
export async function someStanding(sql: Sql, container: number, most: number): Promise<readonly string[]> {
  const { rows } = await sql.query<{ ref: string }>(
    `select target_ref as ref from item where container = $1 and digest is not null and ${STANDS} order by digest limit $2`,
    [container, most],
  );
  return rows.map(({ ref }) => ref);
}

/** A container that the unit's spec covers, with what should stand in its counterpart. */
export interface StandingContainer extends ContainerRow {
  /** The run that has surveyed it last. */
  readonly surveyedRun: number;
  /** How many copies. */
  readonly standing: number;
  /** Some of their references. */
  readonly refs: readonly string[];
}

/** All of a unit, in one statement, with at most `few` references each. */
export async function standingContainers(
  { pool }: Ledger,
  { pairing, unit }: Surveyor,
  few: number,
): Promise<StandingContainer[]> {
  const { rows } = await pool.query<StandingContainer>({
    name: 'standing-containers',
    text: `select ${CONTAINER_COLUMNS}, s.run as "surveyedRun",
       coalesce((select sum(n) from item_count k
         where k.container = c.id and k.copy and not k.gone and k.outcome in ('verified', 'arrived')), 0)::bigint as standing,
       array(select target_ref from item i where i.container = c.id and digest is not null and ${STANDS}
         order by digest limit $4) as refs
     from container c join survey s on s.container = c.id
     where c.pairing = $1 and s.migration = $2 and s.unit = $3 order by id`,
    values: [pairing.id, unit.migration, unit.n, few],
  });
  return rows;
}
