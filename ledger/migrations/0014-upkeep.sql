-- What is kept of old runs, and which runs did no more than confirm an earlier report.

alter table run
  -- When its whole report was left by a worker.
  add column reported_at timestamptz,
  -- The run whose whole report still says everything: this one changed nothing, and left one line.
  add column confirms int,
  -- When its outcomes went, for their age.
  add column pruned_at timestamptz;

-- A hash of what the last whole report says of the unit, but for what its run did.
alter table unit add column reported text;

-- What a run had to say beside what it did: found without reading its slices.
create index event_said on event (migration, run) where level <> 'info';

-- Containers are forgotten with their migration, and the foreign key would read all outcomes for each of them.
create index outcome_by_container on outcome (container);
