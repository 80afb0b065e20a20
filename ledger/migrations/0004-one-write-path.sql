-- One write path: what recovery needs beside the intents, one owner for each copy, copies that appear late.

alter table batch
  -- Beside digest and path, parallel to `keys`: the copy that is replaced, the row that a move replaces, the flags meant.
  add column details jsonb not null default '[]',
  -- How long its writes may still land after their sender died, in milliseconds, where the target measured that.
  add column quiet_ms int not null default 0;

-- Where the target would have put the next item when we last wrote there: another anchor means others wrote since.
alter table container add column target_anchor text;

-- Writes that recovery found to be absent, and that were made again: their first copy may still appear.
create table doubt (
  container bigint not null references container on delete cascade,
  key text collate "C" not null,
  digest bytea not null,
  at timestamptz not null default clock_timestamp(),
  primary key (container, key)
);

-- A copy has one owner. Where earlier versions let two items claim one, the first keeps it.
with claims as (
  select i.container, i.key, row_number() over (
    partition by p.target, c.target_key, i.target_ref order by i.gone, i.container, i.key) as nth
  from item i join container c on c.id = i.container join pairing p on p.id = c.pairing
  where i.target_ref is not null)
update item i set target_ref = null, target_version = null, proof = null, todo = null, outcome = 'unsure',
  reason = 'another item claims the same copy in the target; `migrate retry` looks for one of its own'
from claims where claims.nth > 1 and i.container = claims.container and i.key = claims.key;
create unique index item_copy on item (container, target_ref) where target_ref is not null;
create index pairing_by_target on pairing (target);

-- The run that saw an unclaimed copy last: only what this run saw is a proof.
alter table found add column run bigint not null default 0;

-- Batches left open by earlier versions: what was meant is still what their items say, and a move took the first row that
-- had left the source with this digest.
update batch b set details = (
  select jsonb_agg(case when b.op = 'move' then coalesce((
      select jsonb_build_object('replaces', jsonb_build_object(
        'container', d.container, 'key', d.key, 'targetKey', c.target_key, 'ref', d.target_ref))
      from container here join container c on c.pairing = here.pairing join item d on d.container = c.id
      where here.id = b.container and d.gone and d.target_ref is not null and d.digest = decode(b.digests[k.n], 'hex')
      order by d.container, d.key limit 1), '{}')
    else jsonb_build_object('meta', coalesce(i.meta, '{}')) end order by k.n)
  from unnest(b.keys) with ordinality as k (key, n)
  left join item i on i.container = b.container and i.key = k.key)
where op in ('create', 'meta', 'move');
