-- Counters that are kept as items change: to count a unit is to read some hundred rows, however many items it has.

-- How many items of a container are alike in everything that is counted, as changes to be added up. Rows are only ever
-- added while items change: rows that were updated in place would be locked until their transaction ends, so that the
-- connections of a slice would wait for each other, and could wait in a circle. `foldCounts` replaces them by their sums.
create table item_count (
  container bigint not null,
  run bigint not null,
  outcome text,
  made text,
  todo boolean not null,
  gone boolean not null,
  -- Has a copy in the target.
  copy boolean not null,
  -- Was found there by the scan of the target.
  scan boolean not null,
  n bigint not null,
  bytes bigint not null
);
create index item_count_by_container on item_count (container);

-- "todo" and the like of an item, as `item_count` has them. One statement may fire all of these: an upsert inserts and
-- updates, a query may delete in one part and update in another.
create function count_items() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into item_count
    select container, run, outcome, made, todo is not null, gone, target_ref is not null, proof is not distinct from 'scan',
      count(*), sum(bytes)
    from after group by 1, 2, 3, 4, 5, 6, 7, 8;
  elsif tg_op = 'DELETE' then
    insert into item_count
    select container, run, outcome, made, todo is not null, gone, target_ref is not null, proof is not distinct from 'scan',
      -count(*), -sum(bytes)
    from before group by 1, 2, 3, 4, 5, 6, 7, 8;
  elsif tg_op = 'UPDATE' then
    insert into item_count
    select container, run, outcome, made, todo, gone, copy, scan, sum(n), sum(bytes)
    from (
      select container, run, outcome, made, todo is not null as todo, gone, target_ref is not null as copy,
        proof is not distinct from 'scan' as scan, 1 as n, bytes from after
      union all
      select container, run, outcome, made, todo is not null, gone, target_ref is not null, proof is not distinct from 'scan',
        -1, -bytes from before) change
    group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(n) <> 0 or sum(bytes) <> 0;
  else
    delete from item_count;
  end if;
  return null;
end $$;

create trigger count_inserted after insert on item referencing new table as after
  for each statement execute function count_items();
create trigger count_updated after update on item referencing old table as before new table as after
  for each statement execute function count_items();
create trigger count_deleted after delete on item referencing old table as before
  for each statement execute function count_items();
create trigger count_truncated after truncate on item
  for each statement execute function count_items();

-- The triggers hold off other writers until this commits: nothing is missed in between.
insert into item_count
select container, run, outcome, made, todo is not null, gone, target_ref is not null, proof is not distinct from 'scan',
  count(*), sum(bytes)
from item group by 1, 2, 3, 4, 5, 6, 7, 8;

-- Copies that nobody claimed are looked up among the items by their digests.
create index item_digest on item (container, digest) where digest is not null;
