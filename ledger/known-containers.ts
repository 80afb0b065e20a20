/** What is known of a pairing's containers before a survey, in one statement: most surveys find that it still holds. */
import type { ContainerRow } from './containers.js';
import type { Lease } from './leases.js';
import { fencedStatement } from './leases.js';
import type { Ledger } from './ledger.js';
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
}

/** `filter`: the one that the unit has now; `removals`: whether items that left the source are to leave the target. */
export async function knownContainers(
  { pool }: Ledger,
  { pairing, unit }: Surveyor,
  filter: string,
  removals: boolean,
): Promise<KnownContainers> {
  const { rows } = await pool.query<KnownContainer & { open: boolean }>({
    name: 'known-containers',
    text: `select c.id, c.key, c.path, c.role, c.subscribed, c.properties, c.validity, open,
       case when s.container is not null then jsonb_build_object('run', s.run, 'token', s.token, 'filter', s.filter,
         'listingRun', s.listing_run, 'outdated', ${isOutdated('$5')}) end as survey,
       exists (select from item where container = c.id and key = '') or exists (
         select from item_count where container = c.id and outcome in ('refused', 'quarantined', 'conflict', 'skipped')
         group by outcome having sum(n) > 0) as troubled,
       exists (select from item_count where container = c.id and not gone having sum(n) > 0)
         or exists (select from survey where container = c.id and token is not null) as present
     from container c left join survey s on s.container = c.id and s.migration = $2 and s.unit = $3
     cross join (select ${IS_OPEN} as open) o where c.pairing = $1`,
    values: [pairing.id, unit.migration, unit.n, removals, filter],
  });
  return { containers: rows, open: rows.some(({ open }) => open) };
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
