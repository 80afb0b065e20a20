/** What the survey writes down, what the moves ask for, and what they leave. */
import type { Change, ItemRef, JsonObject } from '../connectors/contract.js';
import type { Sql } from './ledger.js';

export type Todo = 'create' | 'update' | 'meta' | 'move' | 'remove' | 'verify';
export type Outcome =
  | 'verified'
  | 'arrived'
  | 'unsure'
  | 'refused'
  | 'quarantined'
  | 'altered'
  | 'missing'
  | 'skipped'
  /** Both sides were edited, and the spec lets nobody win. */
  | 'conflict'
  /** The mirror of an item of the other direction of a two-way unit, which is the one that counts. */
  | 'linked';
/** What was last done to an item in the target. */
export type Made = 'created' | 'updated' | 'moved' | 'adopted';

export interface ItemRow {
  readonly key: string;
  readonly rank: number;
  readonly version: string;
  readonly meta: JsonObject;
  readonly bytes: number;
  readonly digest: string | null;
  readonly targetRef: string | null;
  /** The version the copy had when we last wrote or read it; null where nobody told. */
  readonly targetVersion: string | null;
  readonly base: JsonObject | null;
  readonly tries: number;
  readonly proof: string | null;
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  /** The source does not have it any more. */
  readonly gone: boolean;
  /** The digest of a write of ours that broke off: what stands in its place may be a part of that. */
  readonly broken: string | null;
  /** Size and metadata are told when it is read: those here are none, or of an earlier version. */
  readonly unread: boolean;
  /** Two readings of it differ though nothing was edited. */
  readonly unstable: boolean;
}

const COLUMNS = `key, rank, version, meta, bytes, encode(digest, 'hex') as digest, target_ref as "targetRef",
  target_version as "targetVersion", base, tries, proof, outcome, reason, gone, broken, unread, unstable`;

/** What an edit in the source asks for: metadata alone, or the whole content. */
export type Edits = 'meta' | 'content';

/**
 * Writes listed items down: new ones are to be created, changed ones to be updated, known ones stay as they are. An
 * edited item that failed before is tried again: the edit may have mended it. What the system names and does not describe
 * (without a version) is there, and as it was known.
 */
export async function stageItems(
  sql: Sql,
  container: number,
  items: readonly ItemRef[],
  run: number,
  edits: Edits,
  folded?: readonly (string | null)[],
): Promise<void> {
  if (items.length === 0) return;
  await sql.query({
    name: 'stage-items',
    text: `with named as (${NAMED_TO_OTHERS})
     insert into item (container, key, rank, version, meta, bytes, todo, run, folded, unread, unstable)
     select $1, key, rank, version, coalesce(meta, '{}'), coalesce(bytes, 0), 'create', $7, folded,
       meta is null or bytes is null, unstable
     from unnest($2::text[], $3::int[], $4::text[], $5::jsonb[], $6::bigint[], $9::text[], $10::bool[])
       as t (key, rank, version, meta, bytes, folded, unstable)
     on conflict (container, key) do update set
       version = case when ${UNDESCRIBED} then item.version else excluded.version end,
       meta = case when ${UNDESCRIBED} or excluded.unread and excluded.meta = '{}' then item.meta else excluded.meta end,
       -- Of the version that was read all is known.
       unread = case when ${UNDESCRIBED} then item.unread
         else excluded.unread and (item.unread or item.version <> excluded.version) end,
       unstable = excluded.unstable, gone = false, removal = null,
       -- Listings of calendars tell no sizes; a file of none is empty.
       bytes = case when $8 = 'content' and (excluded.bytes > 0 or excluded.meta->>'type' = 'file') then excluded.bytes
         else item.bytes end,
       -- Another version is not yet another content: that is told when it was read.
       run = case when $8 = 'content' then item.run else excluded.run end,
       -- Of another run than the one that made its copy.
       made = case when $8 = 'content' or item.run = excluded.run then item.made end,
       todo = case
         when ${UNDESCRIBED} then item.todo
         when item.target_ref is not null then case when $8 = 'content' then 'update' else 'meta' end
         when item.outcome is null or $8 = 'content' then 'create'
         else item.todo end
     where item.version <> excluded.version or item.gone or ${isLeftOut('item')}`,
    values: [
      container,
      items.map((item) => item.key),
      items.map((item) => item.rank),
      items.map((item) => item.version),
      items.map((item) => (item.meta === undefined ? null : JSON.stringify(item.meta))),
      items.map((item) => item.bytes ?? null),
      run,
      edits,
      folded ?? items.map(() => null),
      items.map((item) => item.unstable === true),
    ],
  });
}

/**
 * Another unit may be in the middle of a listing in no order (staged.ts), past the place where these stand: they are there,
 * so it does not lack them. By $1 and $2: the container, and keys.
 */
const NAMED_TO_OTHERS = `insert into listed (listing, key) select s.listing_id, l.key
  from survey s cross join unnest($2::text[]) as l (key) where s.container = $1 and s.listing_id is not null
  on conflict do nothing`;

/** Nothing is known of it but that it is there; what has a copy keeps what is known of that. Folders have no version. */
const UNDESCRIBED = `(excluded.version = '' and item.target_ref is not null
  and excluded.meta->>'type' is distinct from 'folder')`;

/** What reading told of items that were `unread`. */
export async function describeItems(
  sql: Sql,
  container: number,
  items: readonly Pick<ItemRow, 'key' | 'bytes' | 'meta'>[],
): Promise<void> {
  if (items.length === 0) return;
  await sql.query(
    `update item i set meta = t.meta, bytes = t.bytes, unread = false
     from unnest($2::text[], $3::jsonb[], $4::bigint[]) as t (key, meta, bytes)
     where i.container = $1 and i.key = t.key`,
    [
      container,
      items.map(({ key }) => key),
      items.map(({ meta }) => JSON.stringify(meta)),
      items.map(({ bytes }) => bytes),
    ],
  );
}

/** An item that was written down and then left out by a filter: nothing is to do with it, and nothing was tried. */
export const isLeftOut = (item: string): string =>
  `(${item}.todo is null and ${item}.outcome is null and ${item}.target_ref is null)`;

/**
 * Takes back what is to do with items that the filter does not cover any more. What was never written is left out; an
 * edit of what was is not carried, and is staged again should it be covered again. Returns how many there were.
 */
export async function leaveOut(sql: Sql, container: number, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0;
  const { rowCount } = await sql.query({
    name: 'leave-out',
    text: `update item set
       todo = case when target_ref is not null and outcome = 'arrived' then 'verify' end,
       version = case when target_ref is null then version else '' end,
       outcome = case when target_ref is null then null else outcome end,
       reason = case when target_ref is null then null else reason end,
       digest = case when target_ref is null then null else digest end,
       identities = case when target_ref is null then null else identities end
     where container = $1 and key = any($2) and (
       target_ref is null and (todo is not null or outcome is not null)
         and coalesce(outcome, '') in ('', 'refused', 'quarantined', 'skipped', 'conflict')
       or target_ref is not null and todo in ('update', 'meta'))`,
    values: [container, keys],
  });
  return rowCount ?? 0;
}

/** How many of these have a copy in the target. */
export async function countCopied(sql: Sql, container: number, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0;
  const { rows } = await sql.query<{ n: number }>({
    name: 'count-copied',
    text: 'select count(*) as n from item where container = $1 and key = any($2) and target_ref is not null',
    values: [container, keys],
  });
  return rows[0]?.n ?? 0;
}

/** Writes down what a change feed says. */
export async function stageChanges(
  sql: Sql,
  container: number,
  changes: readonly Change[],
  run: number,
  edits: Edits,
): Promise<void> {
  const items = changes.flatMap((change) => (change.change === 'upsert' ? [change.item] : []));
  const gone = changes.flatMap((change) => (change.change === 'gone' ? [change.key] : []));
  await stageItems(sql, container, items, run, edits);
  if (gone.length === 0) return;
  await sql.query(
    `update item set gone = true, run = $3, todo = case when todo in ('create', 'update') then null else todo end
     where container = $1 and key = any($2) and not gone`,
    [container, gone, run],
  );
}

/** The next items to do in a container; healthy ones first, so that a poisonous one never holds up the rest. */
export async function nextItems(
  sql: Sql,
  container: number,
  todo: Todo,
  after: { readonly tries: number; readonly rank: number; readonly key: string } | undefined,
  limit: number,
  maxRank = 2_147_483_647,
): Promise<ItemRow[]> {
  const { rows } = await sql.query<ItemRow>({
    name: 'next-items',
    text: `select ${COLUMNS} from item
     where container = $1 and todo = $2 and todo is not null
       and (tries, rank, key) > ($3::smallint, $4::int, $5::text) and rank <= $7
     order by tries, rank, key limit $6`,
    values: [container, todo, after?.tries ?? -1, after?.rank ?? -2_147_483_648, after?.key ?? '', limit, maxRank],
  });
  return rows;
}

/** Items to do of which size and metadata are still to be told, behind a key. */
export async function unreadItems(
  sql: Sql,
  container: number,
  todo: Todo,
  after: string,
  limit: number,
): Promise<ItemRow[]> {
  const { rows } = await sql.query<ItemRow>(
    `select ${COLUMNS} from item where container = $1 and todo = $2 and todo is not null and unread and key > $3
     order by key limit $4`,
    [container, todo, after, limit],
  );
  return rows;
}

/** Items by key, whatever is to do with them. */
export async function itemsByKey(sql: Sql, container: number, keys: readonly string[]): Promise<ItemRow[]> {
  const { rows } = await sql.query<ItemRow>(`select ${COLUMNS} from item where container = $1 and key = any($2)`, [
    container,
    keys,
  ]);
  return rows;
}

/** How an item ended, or where it stands. */
export interface Settlement {
  readonly key: string;
  readonly todo: Todo | null;
  /** Absent: stays as it was. */
  readonly outcome?: Outcome;
  readonly proof?: string;
  readonly reason?: string;
  readonly digest?: string;
  /** Null: the item has no copy any more. */
  readonly ref?: string | null;
  readonly version?: string;
  readonly bytes?: number;
  readonly made?: Made;
  readonly base?: JsonObject;
}

/** That is not changed; nor is what was looked for, and found as it was (`verifyAll`). */
const PROVEN_AGAIN = `i.proof = t.proof and (i.outcome = t.outcome or i.outcome = 'arrived' and t.outcome = 'verified')`;

/** Writes settlements; what a settlement leaves out stays as it was, but for the reason. */
export async function settleItems(
  sql: Sql,
  container: number,
  settled: readonly Settlement[],
  run: number,
): Promise<void> {
  if (settled.length === 0) return;
  await sql.query({
    name: 'settle-items',
    text: `update item i set
       todo = t.todo, outcome = coalesce(t.outcome, i.outcome), proof = coalesce(t.proof, i.proof), reason = t.reason,
       digest = coalesce(decode(t.digest, 'hex'), i.digest),
       target_ref = case when t.unbound then null else coalesce(t.ref, i.target_ref) end,
       target_version = case when t.unbound then null else coalesce(t.version, i.target_version) end,
       base = coalesce(t.base, i.base), bytes = coalesce(t.bytes, i.bytes),
       broken = case when t.outcome in ('arrived', 'verified') then null else i.broken end,
       -- What comes on top within a run (flags: a settlement without an outcome) does not say what that run did first.
       made = case when ${PROVEN_AGAIN} then i.made
         when i.run = $10 and t.outcome is null then coalesce(i.made, t.made)
         when i.run = $10 then coalesce(t.made, i.made) else t.made end,
       tries = case when t.outcome in ('arrived', 'verified') then 0 else i.tries end,
       run = case when ${PROVEN_AGAIN} then i.run else $10 end
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[],
       $11::text[], $12::bool[], $13::bigint[], $14::text[])
       as t (key, todo, outcome, proof, reason, digest, ref, base, version, unbound, bytes, made)
     where i.container = $1 and i.key = t.key`,
    values: [
      container,
      settled.map((s) => s.key),
      settled.map((s) => s.todo),
      settled.map((s) => s.outcome ?? null),
      settled.map((s) => s.proof ?? null),
      settled.map((s) => s.reason ?? null),
      settled.map((s) => s.digest ?? null),
      settled.map((s) => s.ref ?? null),
      settled.map((s) => (s.base === undefined ? null : JSON.stringify(s.base))),
      run,
      settled.map((s) => s.version ?? null),
      settled.map((s) => s.ref === null),
      settled.map((s) => s.bytes ?? null),
      settled.map((s) => s.made ?? null),
    ],
  });
}

/** Drops items that nothing stands for any more. The outcome table keeps what became of them. */
export async function forgetItems(sql: Sql, container: number, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await sql.query('delete from item where container = $1 and key = any($2)', [container, keys]);
}

/**
 * The copy of an item goes on as that of another: its row is dropped. One that is in the source again meanwhile has no
 * copy any more, and is to be made anew where it was to do something.
 */
export async function giveAway(sql: Sql, container: number, key: string, ref: string): Promise<void> {
  await sql.query('delete from item where container = $1 and key = $2 and gone', [container, key]);
  await sql.query(
    `update item set todo = case when todo is not null then 'create' end, outcome = null, proof = null, reason = null,
       target_ref = null, target_version = null
     where container = $1 and key = $2 and target_ref = $3`,
    [container, key, ref],
  );
}

/** Sets what later changes of metadata are merged from. */
export async function setBase(
  sql: Sql,
  container: number,
  items: readonly { readonly key: string; readonly base: JsonObject }[],
): Promise<void> {
  await sql.query(
    `update item i set base = t.base from unnest($2::text[], $3::jsonb[]) as t (key, base)
     where i.container = $1 and i.key = t.key`,
    [container, items.map(({ key }) => key), items.map(({ base }) => JSON.stringify(base))],
  );
}

/** Counts one more try for items whose write was in doubt and did not land. */
export async function countTries(sql: Sql, container: number, keys: readonly string[]): Promise<void> {
  await sql.query('update item set tries = tries + 1 where container = $1 and key = any($2)', [container, keys]);
}

/** Remembers writes that broke off, by the digests of what they were to leave, until their items have arrived. */
export async function noteBroken(
  sql: Sql,
  container: number,
  writes: readonly { readonly key: string; readonly digest: string }[],
): Promise<void> {
  if (writes.length === 0) return;
  await sql.query(
    `update item i set broken = t.digest from unnest($2::text[], $3::text[]) as t (key, digest)
     where i.container = $1 and i.key = t.key`,
    [container, writes.map(({ key }) => key), writes.map(({ digest }) => digest)],
  );
}

/** Another version with the content we know: nothing was written, so the run that last changed the item stays. */
export async function settleUnchanged(sql: Sql, container: number, keys: readonly string[]): Promise<void> {
  await sql.query(
    `update item set
       todo = case when outcome in ('arrived', 'refused', 'quarantined') then 'verify' end,
       -- What could not be read is read again, and is what its copy was made of.
       outcome = case when outcome in ('refused', 'quarantined') then 'arrived' else outcome end,
       reason = case when outcome in ('refused', 'quarantined') then null else reason end
     where container = $1 and key = any($2)`,
    [container, keys],
  );
}

/** Digests of the present version for items that had one of an earlier version, and mean the same. */
export async function renewDigests(
  sql: Sql,
  container: number,
  items: readonly { readonly key: string; readonly digest: string }[],
): Promise<void> {
  if (items.length === 0) return;
  await sql.query(
    `update item i set digest = decode(t.digest, 'hex') from unnest($2::text[], $3::text[]) as t (key, digest)
     where i.container = $1 and i.key = t.key`,
    [container, items.map(({ key }) => key), items.map(({ digest }) => digest)],
  );
}

/** Puts items behind others: they are done when their rank's turn has come. */
export async function setRanks(
  sql: Sql,
  container: number,
  ranks: readonly { readonly key: string; readonly rank: number }[],
): Promise<void> {
  await sql.query(
    `update item i set rank = t.rank from unnest($2::text[], $3::int[]) as t (key, rank)
     where i.container = $1 and i.key = t.key`,
    [container, ranks.map((r) => r.key), ranks.map((r) => r.rank)],
  );
}

/** How much there is to do in a container, as far as its first `most` items tell. */
export async function sizeToDo(
  sql: Sql,
  container: number,
  todo: Todo,
  most: number,
): Promise<{ readonly items: number; readonly bytes: number }> {
  const { rows } = await sql.query<{ items: number; bytes: number }>(
    `select count(*) as items, coalesce(sum(bytes), 0)::bigint as bytes from (
       select bytes from item where container = $1 and todo = $2 and todo is not null limit $3) as counted`,
    [container, todo, most],
  );
  return rows[0] as { items: number; bytes: number };
}

/** Items to do in several containers, up to a rank. More than `most` are not counted. */
export async function countToDo(
  sql: Sql,
  containers: readonly number[],
  todo: Todo,
  { most, maxRank = 2_147_483_647 }: { readonly most: number; readonly maxRank?: number },
): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `select count(*) as n from (
       select from item where container = any($1) and todo = $2 and todo is not null and rank <= $3 limit $4) as counted`,
    [containers, todo, maxRank, most],
  );
  return rows[0]?.n ?? 0;
}
