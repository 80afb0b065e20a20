/** What is known of a pairing's containers before a survey, in one statement: most surveys find that it still holds. */
import type { ContainerRow } from './containers.js';
import type { Lease } from './leases.js';
import { fencedStatement } from './leases.js';
import type { Ledger } from './ledger.js';
import type { LeftOut } from './left-out.js';
import { LEFT_OUT } from './left-out.js';
import { IS_OPEN } from './settled.js';
import type { Survey, Surveyor } from './surveys.js';
import { isOutdated } from './surveys.js';

export interface KnownContainer
  extends Pick<ContainerRow, 'id' | 'key' | 'path' | 'role' | 'subscribed' | 'properties' | 'validity'> {
  /** What the unit has surveyed of it; null where it does not cover it. */
  readonly survey: Pick<Survey, 'run' | 'token' | 'filter' | 'listingRun' | 'outdated'> | null;
  /** It, or items of it, failed or were left out: what a survey may put back on the list. */
  readonly troubled: boolean;
  /** Items of it count as present in the source, or some unit holds a token of it. */
  readonly present: boolean;
}

export interface KnownContainers {
  readonly containers: readonly KnownContainer[];
  /** Something is left to do already (settled.ts). */
  readonly open: boolean;
  /** What the spec left out when the unit was surveyed last, by key. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * `filter`: the one that the unit has now; `removals`: whether items that left the source are to leave the target; `back`: of
 * the way back of a unit that goes both ways.
 */
export async function knownContainers(
  { pool }: Ledger,
  { pairing, unit }: Surveyor,
  filter: string,
  { removals, back }: { readonly removals: boolean; readonly back: boolean },
): Promise<KnownContainers> {
  const { rows } = await pool.query<
    Omit<KnownContainer, 'id'> & { id: number | null; open: boolean; leftOut: LeftOut[] }
  >({
    name: 'known-containers',
    text: `select c.id, c.key, c.path, c.role, c.subscribed, c.properties, c.validity, open, "leftOut",
       case when s.container is not null then jsonb_build_object('run', s.run, 'token', s.token, 'filter', s.filter,
         'listingRun', s.listing_run, 'outdated', ${isOutdated('$5')}) end as survey,
       exists (select from item where container = c.id and key = '') or exists (
         select from item_count where container = c.id and outcome in ('refused', 'quarantined', 'conflict', 'skipped')
         group by outcome having sum(n) > 0) as troubled,
       exists (select from item_count where container = c.id and not gone having sum(n) > 0)
         or exists (select from survey where container = c.id and token is not null) as present
     from (select ${IS_OPEN} as open, ${LEFT_OUT} as "leftOut") o left join (
       container c left join survey s on s.container = c.id and s.migration = $2 and s.unit = $3) on c.pairing = $1`,
    values: [pairing.id, unit.migration, unit.n, removals, filter, back],
  });
  // One row, where there is no container.
  const containers = rows.flatMap(({ id, ...row }) => (id === null ? [] : [{ ...row, id }]));
  return { containers, open: rows.some(({ open }) => open), leftOut: rows[0]?.leftOut ?? [] };
}

/** The run has surveyed these containers, and found them as they were. */
export async function renewSurveys(
  ledger: Ledger,
  lease: Lease,
  { unit }: Pick<Surveyor, 'unit'>,
  containers: readonly number[],
  run: number,
): Promise<void> {
  await fencedStatement(ledger, lease, {
    name: 'renew-surveys',
    text: `update survey set run = $7 where migration = $4 and unit = $5 and container = any($6)
       and exists (select from held)`,
    values: [unit.migration, unit.n, containers, run],
  });
}
