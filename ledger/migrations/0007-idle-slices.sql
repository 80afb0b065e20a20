-- Slices in a row that asked to go on and had done nothing: a phase that never comes to an end is noticed.
alter table unit add column idle_slices int not null default 0;
