-- A migration that goes on in another workflow execution asks the ledger where its run stands.

-- Whether the run's units are called, and what it asks of them is written down: once.
alter table run add column prepared boolean not null default true;

-- When time opens the unit's gate by itself.
alter table unit add column retry_at timestamptz;

-- Versions of the workflows' code up to which everything that was open has been started again (worker/cut.ts).
create table workflow_cut (
  version int primary key,
  made_at timestamptz not null default now()
);
