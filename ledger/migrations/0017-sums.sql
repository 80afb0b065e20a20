-- What a run's units count, added up as they end: what console, Web UI and status show while it goes on.

alter table run add column counters jsonb not null default '{}';
-- How often it was added up: of two answers the later one holds.
alter table run add column sums int not null default 0;
-- What the sum of its run has of a unit: its counters when the run was opened or taken up, or when the unit ended last.
alter table unit add column summed jsonb not null default '{}';

-- The workflow of a run that is open goes on, and does not open it anew.
update unit u set summed = u.counters from run r where r.migration = u.migration and r.number = u.run and r.state = 'running';
update run r set counters = coalesce((
  select jsonb_object_agg(key, value) from (
    select key, sum(value::bigint) as value from unit u, jsonb_each_text(u.counters)
    where u.migration = r.migration and u.run = r.number group by key) t), '{}') where state = 'running';

-- Other writers are held off until this commits: what they change meanwhile is counted in one way.
lock table item in share row exclusive mode;

-- A proof holds until it is contradicted: what is only to be proven once more counts as verified meanwhile.
create function is_open(todo text, outcome text) returns boolean language sql immutable
  return todo is not null and not (todo = 'verify' and outcome is not distinct from 'verified');

create or replace function count_items() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into item_count
    select container, run, outcome, made, is_open(todo, outcome), gone, target_ref is not null, proof is not distinct from 'scan',
      count(*), sum(bytes)
    from after group by 1, 2, 3, 4, 5, 6, 7, 8;
  elsif tg_op = 'DELETE' then
    insert into item_count
    select container, run, outcome, made, is_open(todo, outcome), gone, target_ref is not null, proof is not distinct from 'scan',
      -count(*), -sum(bytes)
    from before group by 1, 2, 3, 4, 5, 6, 7, 8;
  elsif tg_op = 'UPDATE' then
    insert into item_count
    select container, run, outcome, made, todo, gone, copy, scan, sum(n), sum(bytes)
    from (
      select container, run, outcome, made, is_open(todo, outcome) as todo, gone, target_ref is not null as copy,
        proof is not distinct from 'scan' as scan, 1 as n, bytes from after
      union all
      select container, run, outcome, made, is_open(todo, outcome), gone, target_ref is not null, proof is not distinct from 'scan',
        -1, -bytes from before) change
    group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(n) <> 0 or sum(bytes) <> 0;
  else
    delete from item_count;
  end if;
  return null;
end $$;

insert into item_count
select container, run, outcome, made, moved.todo, gone, copy, scan, moved.n, moved.bytes from (
  select container, run, outcome, made, target_ref is not null as copy, gone, proof is not distinct from 'scan' as scan,
    count(*) as n, sum(bytes) as bytes
  from item where todo = 'verify' and outcome = 'verified' group by 1, 2, 3, 4, 5, 6, 7) again
cross join lateral (values (true, -again.n, -again.bytes), (false, again.n, again.bytes)) as moved (todo, n, bytes);
