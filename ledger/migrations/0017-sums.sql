-- What a run's units count, added up as they end: what console, Web UI and status show while it goes on.

alter table run add column counters jsonb not null default '{}';
-- How often it was added up: of two answers the later one holds.
alter table run add column sums int not null default 0;
-- What the sum of its run has of a unit: its counters when the run was opened or taken up, or when the unit ended last.
alter table unit add column summed jsonb not null default '{}';
