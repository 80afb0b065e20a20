-- Kinds whose items are edited in place: versions on both sides, identities, conflicts, two directions.

alter table container add column properties jsonb;

alter table item
  -- The version the copy had when we last wrote or read it (ETag): the condition of the next write.
  add column target_version text,
  -- Hashes of what makes it the same item as another, e.g. its UID; never the values themselves.
  add column identities text[],
  -- What we did last in the target: created, updated, adopted.
  add column made text;
create index item_identity on item using gin (identities) where identities is not null;

alter table found
  add column version text,
  add column identities text[];
create index found_identity on found using gin (identities) where identities is not null;

-- The other direction of a unit that keeps two places in step.
alter table unit add column back bigint references pairing;

-- The schedule that started a run.
alter table run add column schedule text;
