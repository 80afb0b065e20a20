-- The ledger: the only authority on progress. No content, no subjects; digests and references only.

create table place (
  id bigint generated always as identity primary key,
  proof text not null unique,
  system text not null,
  seen_at timestamptz not null default now()
);

-- The identity under which items are remembered across specs, renames and runs.
create table pairing (
  id bigint generated always as identity primary key,
  source bigint not null references place,
  target bigint not null references place,
  kind text not null,
  unique (source, target, kind)
);

create table spec (
  hash text primary key,
  name text not null,
  body jsonb not null,
  submitted_at timestamptz not null default now()
);
create index spec_by_name on spec (name, submitted_at desc);

-- What a person wants of a migration right now; every lease renewal reads it.
create table migration (
  name text primary key,
  spec text not null references spec,
  paused boolean not null default false,
  -- Slices stop at the next safe point: the run was cancelled or another spec takes over.
  stopped boolean not null default false,
  -- Overrides by `migrate retune`: connections, lanes, itemsPerSecond, bytesPerSecond.
  tuning jsonb not null default '{}',
  last_run int not null default 0
);

create table run (
  migration text not null references migration,
  number int not null,
  reason text not null,
  request text not null,
  spec text not null references spec,
  state text not null default 'running',
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  totals jsonb,
  primary key (migration, number),
  unique (migration, request)
);

create table unit (
  migration text not null references migration,
  n int not null,
  selection text not null,
  account_from text not null,
  account_to text not null,
  pairing bigint references pairing,
  run int not null,
  state text not null default 'waiting',
  phase text,
  gate text,
  reason text,
  next text,
  -- Gates that a person let it pass; they hold until the unit is done.
  approved text[] not null default '{}',
  counters jsonb not null default '{}',
  changed_at timestamptz not null default now(),
  primary key (migration, n),
  unique (migration, selection, account_from, account_to)
);

-- One slice of work at a time writes to a target place.
create table lease (
  place bigint primary key references place,
  fence bigint not null,
  holder text not null,
  until timestamptz not null
);

create table container (
  id bigint generated always as identity primary key,
  pairing bigint not null references pairing,
  key text not null,
  path text[] not null,
  role text,
  subscribed boolean,
  validity text not null,
  -- The state up to which everything is written down in `item`.
  token text,
  -- A listing under way: the token taken before it, and the last key written down.
  listing_token text,
  listing_after text,
  -- The run whose survey has finished this container.
  surveyed_run int not null default 0,
  excluded bigint not null default 0,
  -- The filters of the selection that the token was taken under.
  filter text not null default '',
  target_key text,
  target_path text[],
  target_validity text,
  -- Whether what the target held before us is written down in `found`.
  scanned boolean not null default false,
  notes text[] not null default '{}',
  unique (pairing, key)
);

create table item (
  container bigint not null references container,
  -- Compared as bytes, as the connectors compare them.
  key text collate "C" not null,
  rank int not null default 0,
  -- What is to do: create, meta, move, remove, verify; null when settled.
  todo text,
  version text not null,
  meta jsonb not null,
  bytes bigint not null,
  digest bytea,
  target_ref text collate "C",
  -- The metadata we last wrote: the base of three-way merges.
  base jsonb,
  tries smallint not null default 0,
  -- verified, arrived, unsure, refused, quarantined, altered, missing; null before anything was tried.
  outcome text,
  proof text,
  reason text,
  gone boolean not null default false,
  -- The run that last changed it.
  run int not null,
  primary key (container, key)
) with (fillfactor = 80);
create index item_todo on item (container, todo, tries, rank, key) where todo is not null;
create index item_gone on item (container) where gone;

-- Intents: writes that are being made, or whose answer was lost.
create table batch (
  id bigint generated always as identity primary key,
  container bigint not null references container,
  fence bigint not null,
  op text not null,
  anchor text not null,
  keys text[] not null,
  digests text[] not null,
  -- The write ended for a reason that says nothing about its items (quota, throttling, a pause): no try is counted.
  blameless boolean not null default false,
  opened_at timestamptz not null default now()
);
create index batch_by_container on batch (container);

-- What a target holds that we did not write, or no longer know the source of.
create table found (
  place bigint not null references place,
  target_key text not null,
  ref text collate "C" not null,
  digest bytea not null,
  bytes bigint not null,
  meta jsonb not null,
  taken boolean not null default false,
  primary key (place, target_key, ref)
);
create index found_by_digest on found (place, target_key, digest) where not taken;

-- Per run: exceptions, and the changes of later runs.
create table outcome (
  id bigint generated always as identity primary key,
  migration text not null,
  run int not null,
  unit int not null,
  container bigint not null references container,
  key text not null,
  what text not null,
  reason text,
  at timestamptz not null default now()
);
create index outcome_by_run on outcome (migration, run);

create table gate (
  id bigint generated always as identity primary key,
  migration text not null,
  unit int not null,
  run int not null,
  gate text not null,
  reason text not null,
  next text,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  closed_by text
);
create index gate_open on gate (migration, unit) where closed_at is null;

-- Token buckets, shared by the fleet; drawn in lots.
create table budget (
  scope text primary key,
  tokens double precision not null,
  at timestamptz not null,
  -- A system that asked to be left alone is left alone by everybody.
  blocked_until timestamptz
);

-- Open connections, shared by the fleet; renewed by their holder, lapsing with it.
create table slot (
  scope text not null,
  holder text not null,
  until timestamptz not null,
  primary key (scope, holder)
);

create table event (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  migration text not null,
  run int not null,
  unit int,
  level text not null,
  message text not null,
  detail jsonb not null default '{}'
);
create index event_by_migration on event (migration, id);
