-- Thousands of accounts stand beside their spec: slices read the spec, and only who opens a run reads whom it covers.

create table spec_accounts (
  spec text not null references spec on delete cascade,
  selection text not null,
  -- As they were submitted: pairs of from and to. Text for the database, which only hands it out.
  accounts json not null,
  primary key (spec, selection)
);

insert into spec_accounts
select hash, s->>'name', (s->'accounts')::json
from spec, jsonb_array_elements(body->'selections') s where jsonb_typeof(s->'accounts') = 'array';

update spec set body = jsonb_set(body, '{selections}', (
  select jsonb_agg(case when jsonb_typeof(s->'accounts') = 'array' then s - 'accounts' else s end order by place)
  from jsonb_array_elements(body->'selections') with ordinality l (s, place)))
where hash in (select spec from spec_accounts);

-- Parts of a spec on their way, until all are there.
create table spec_part (
  spec text not null,
  part int not null,
  parts int not null,
  data text not null,
  kept_at timestamptz not null default now(),
  primary key (spec, part)
);

-- Each slice asks whether another unit has its pairing: among 15,000 it would read them all.
create index unit_by_pairing on unit (pairing);
