-- Folders, calendars and address books that a unit's spec leaves out, as its last survey saw them.
create table left_out (
  migration text not null,
  unit int not null,
  -- Of the way back of a unit that goes both ways: `path` is in what the spec calls the target.
  back boolean not null,
  key text collate "C" not null,
  path text[] not null,
  -- As the spec writes it, e.g. `exclude.roles junk`; or why the options leave it out.
  rule text not null,
  -- What it holds, where the source tells that unasked.
  items bigint,
  primary key (migration, unit, back, key),
  foreign key (migration, unit) references unit on delete cascade
);

-- The units of a run that a person asked for by names: its report is about them alone. Null: it is about the whole.
alter table run add column part int[];
