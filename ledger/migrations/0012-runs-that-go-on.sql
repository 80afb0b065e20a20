-- A migration that goes on in another workflow execution asks the ledger where its run stands.

-- Whether the run's units are called, and what it asks of them is written down: once.
alter table run add column prepared boolean not null default true;
update run set prepared = false
  where state = 'running' and not exists (select from unit where unit.migration = run.migration and unit.run = run.number);

-- The workflow execution (Temporal's run id) that opened it, or goes on with it.
alter table run add column execution text;

-- When time opens the unit's gate by itself.
alter table unit add column retry_at timestamptz;
update unit set retry_at = now() where state = 'parked' and gate = 'quota';

-- Versions of the workflows' code up to which everything that was open has been started again (worker/cut.ts). `open`: what
-- is to be started, while that is under way.
create table workflow_cut (
  version int not null,
  -- The queue of tasks that its workers ask; Temporal's namespace before it.
  queue text not null,
  open jsonb not null,
  made_at timestamptz,
  primary key (version, queue)
);
