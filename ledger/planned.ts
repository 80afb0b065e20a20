/** What the ledger knows of a pairing, for `plan`: read only, and nothing where the pairing is new. */
import type { ItemRef, Kind, Role } from '../connectors/contract.js';
import type { Account } from '../schemas/spec.js';
import { LISTED_FILES, listedFileValues, SAME_FILE } from './departed.js';
import type { Namesake } from './identities.js';
import { namesakes } from './identities.js';
import type { ItemRow, Todo } from './items.js';
import type { Ledger } from './ledger.js';
import { counterpartPath } from './links.js';
import { withTold } from './listed.js';

export interface PlannedContainer {
  readonly id: number;
  readonly key: string;
  readonly path: readonly string[];
  readonly role: Role | null;
  readonly validity: string;
  /** The rules under which this migration surveyed it last; empty where it has not. */
  readonly filter: string;
  readonly targetKey: string | null;
  readonly targetPath: readonly string[] | null;
  readonly targetValidity: string | null;
}

export interface PlannedItem
  extends Pick<ItemRow, 'key' | 'version' | 'bytes' | 'digest' | 'targetRef' | 'targetVersion' | 'outcome' | 'broken'> {
  readonly todo: Todo | null;
  /** Of mail. */
  readonly date: string | null;
  readonly gone: boolean;
}

export interface Planned {
  containers(): Promise<readonly PlannedContainer[]>;
  /** Items of these containers, those included that left the source. */
  count(containers: readonly number[]): Promise<number>;
  /** Entries of a listing with what is known of them from reading them before. */
  told(container: number, page: readonly ItemRef[]): Promise<readonly ItemRef[]>;
  /** Items of one container by key, those included that left the source. */
  items(container: number, keys: readonly string[]): Promise<ReadonlyMap<string, PlannedItem>>;
  /**
   * Items with a copy that the listing no longer shows between two keys (`to` undefined: to the end), in pages. What is
   * not removed with its source (skipped, in conflict) is left out.
   */
  unlisted(
    container: number,
    range: { readonly after: string; readonly to: string | undefined },
    listed: readonly string[],
  ): AsyncIterable<readonly PlannedItem[]>;
  /**
   * Files of one container that have what stays with a file under another name (`departedById`): their keys, by the keys
   * of these. Whether they left the source is for the listing to tell.
   */
  sameFiles(
    container: number,
    files: readonly Pick<ItemRow, 'key' | 'bytes' | 'meta'>[],
  ): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Which of these digests items of a container have. */
  digests(container: number, digests: readonly string[]): Promise<ReadonlySet<string>>;
  /** Of these references in a container of the target those that belong to items of any pairing, but for those of `except`. */
  known(targetKey: string, except: number | undefined, refs: readonly string[]): Promise<ReadonlySet<string>>;
  /** Items that stand, or will stand, in a container of the target and have any of these identities. */
  namesakes(targetKey: string, identities: readonly string[]): Promise<readonly Namesake[]>;
  /** The path that the counterpart of a container has in its own place, when this direction has seen it. */
  pathOf(targetKey: string): Promise<readonly string[] | undefined>;
}

/** How long slices of one phase took, as sums over them: seconds, items, bytes, and their products. */
export interface PhaseSums {
  readonly phase: string;
  readonly slices: number;
  readonly seconds: number;
  readonly items: number;
  readonly bytes: number;
  readonly itemsItems: number;
  readonly itemsBytes: number;
  readonly bytesBytes: number;
  readonly itemsSeconds: number;
  readonly bytesSeconds: number;
}

/** So many of the latest slices of a unit are measured; `prune` keeps them. */
export const MEASURED_SLICES = 1_000;

/** What the latest slices of a unit did; nothing where the migration never ran for these accounts. */
export async function measuredPhases(
  { pool }: Ledger,
  migration: string,
  selection: string,
  account: Account,
): Promise<readonly PhaseSums[]> {
  const { rows } = await pool.query<PhaseSums>(
    `with slice as (
       select detail->>'phase' as phase, (detail->>'ms')::float8 / 1000 as t,
         (detail->>'items')::float8 as i, (detail->>'bytes')::float8 as b
       from event e join unit u on u.migration = e.migration and u.n = e.unit
       where e.migration = $1 and e.message = 'slice' and u.selection = $2 and u.account_from = $3 and u.account_to = $4
       order by e.id desc limit $5)
     select phase, count(*) as slices, sum(t) as seconds, sum(i) as items, sum(b) as bytes, sum(i * i) as "itemsItems",
       sum(i * b) as "itemsBytes", sum(b * b) as "bytesBytes", sum(i * t) as "itemsSeconds", sum(b * t) as "bytesSeconds"
     from slice where t is not null and i is not null and b is not null group by phase`,
    [migration, selection, account.from, account.to, MEASURED_SLICES],
  );
  return rows;
}

const PAGE = 1_000;
const COLUMNS = `i.key, i.version, i.bytes, encode(i.digest, 'hex') as digest, i.target_ref as "targetRef",
  i.target_version as "targetVersion", i.outcome, i.todo, i.gone, i.broken, i.meta->>'date' as date`;

/** The unit that a run would take for this account. */
export interface PlannedUnit {
  readonly migration: string;
  readonly selection: string;
  readonly account: Account;
}

export async function plannedAgainst(
  ledger: Ledger,
  source: string,
  target: string,
  kind: Kind,
  { migration, selection, account }: PlannedUnit,
): Promise<Planned> {
  const { pool } = ledger;
  const { rows } = await pool.query<{ place: number; pairing: number | null }>(
    `select t.id as place, p.id as pairing from place t
     left join place s on s.proof = $1 left join pairing p on p.source = s.id and p.target = t.id and p.kind = $3
     where t.proof = $2`,
    [source, target, kind],
  );
  const place = rows[0]?.place ?? null;
  const pairing = rows[0]?.pairing ?? null;
  return {
    async containers() {
      const found = await pool.query<PlannedContainer>(
        `select c.id, c.key, c.path, c.role, c.validity, coalesce(s.filter, '') as filter, c.target_key as "targetKey",
           c.target_path as "targetPath", c.target_validity as "targetValidity"
         from container c
         left join unit u on u.migration = $2 and u.selection = $3 and u.account_from = $4 and u.account_to = $5
         left join survey s on s.container = c.id and s.migration = u.migration and s.unit = u.n
         where c.pairing = $1 order by c.id`,
        [pairing, migration, selection, account.from, account.to],
      );
      return found.rows;
    },
    async count(containers) {
      const found = await pool.query<{ n: number }>(
        'select coalesce(sum(n), 0)::bigint as n from item_count where container = any($1)',
        [containers],
      );
      return found.rows[0]?.n ?? 0;
    },
    told: (container, page) => withTold(pool, container, page),
    async items(container, keys) {
      const found = await pool.query<PlannedItem>(
        `select ${COLUMNS} from item i where container = $1 and key = any($2)`,
        [container, keys],
      );
      return new Map(found.rows.map((row) => [row.key, row]));
    },
    async *unlisted(container, { after, to }, listed) {
      for (let from = after; ; ) {
        const found = await pool.query<PlannedItem>(
          `select ${COLUMNS} from item i where container = $1 and key > $2 and ($3::text is null or key <= $3)
             and target_ref is not null and outcome not in ('skipped', 'conflict')
             and not exists (select from unnest($4::text[]) as l (key) where l.key = i.key) order by key limit $5`,
          [container, from, to ?? null, listed, PAGE],
        );
        if (found.rows.length > 0) yield found.rows;
        if (found.rows.length < PAGE) return;
        from = (found.rows.at(-1) as PlannedItem).key;
      }
    },
    async sameFiles(container, files) {
      if (files.length === 0) return new Map();
      const found = await pool.query<{ key: string; was: string[] }>(
        `select t.key, array_agg(i.key order by i.key) as was
         from ${LISTED_FILES} join item i on ${SAME_FILE} where i.container = $1 and i.key <> t.key group by t.key`,
        [container, ...listedFileValues(files)],
      );
      return new Map(found.rows.map(({ key, was }) => [key, was]));
    },
    async digests(container, digests) {
      if (digests.length === 0) return new Set();
      const found = await pool.query<{ digest: string }>(
        `select distinct encode(digest, 'hex') as digest from item
         where container = $1 and digest = any (select decode(d, 'hex') from unnest($2::text[]) as d)`,
        [container, digests],
      );
      return new Set(found.rows.map((row) => row.digest));
    },
    async known(targetKey, except, refs) {
      const found = await pool.query<{ ref: string }>(
        `select i.target_ref as ref from item i join container c on c.id = i.container join pairing p on p.id = c.pairing
         where p.target = $1 and c.target_key = $2 and i.target_ref = any($4) and c.id is distinct from $3`,
        [place, targetKey, except ?? null, refs],
      );
      return new Set(found.rows.map((row) => row.ref));
    },
    async namesakes(targetKey, identities) {
      if (place === null || identities.length === 0) return [];
      return (await namesakes(pool, place, targetKey, identities)).filter((one) => one.key !== null);
    },
    async pathOf(targetKey) {
      return pairing === null ? undefined : counterpartPath(pool, pairing, targetKey);
    },
  };
}

/** Bytes of all that has a copy in the target, of a pairing; 0 where it is new. */
export async function arrivedBytes({ pool }: Ledger, source: string, target: string, kind: Kind): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(
    `select coalesce(sum(n.bytes), 0)::bigint as bytes
     from pairing p join place s on s.id = p.source join place t on t.id = p.target
     join container c on c.pairing = p.id join item_count n on n.container = c.id
     where s.proof = $1 and t.proof = $2 and p.kind = $3 and n.copy and not n.gone`,
    [source, target, kind],
  );
  return rows[0]?.bytes ?? 0;
}
