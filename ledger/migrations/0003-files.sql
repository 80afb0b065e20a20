-- Files: paths instead of references that the target invents, and uploads that outlive their process.

alter table item
  -- What the target would take for the same name, where it holds names apart worse than the source does.
  add column folded text collate "C";
create index item_folded on item (container, folded) where folded is not null;

-- Where each write was to go, for items that stand under paths; parallel to `keys`.
alter table batch add column paths text[];

-- A large file on its way: in the parts that the target has acknowledged.
create table upload (
  id bigint generated always as identity primary key,
  container bigint not null references container on delete cascade,
  key text collate "C" not null,
  -- The version of the source's file that all its parts are of.
  version text not null,
  bytes bigint not null,
  part_bytes bigint not null,
  path text not null,
  meta jsonb not null,
  -- The caller's name for the place of the parts in the target.
  token text not null unique,
  -- All parts are there, with this digest: the file is being put in its place.
  digest bytea,
  -- SHA-256 of the whole file so far, and how far; only for targets that are asked for it.
  hash_state bytea,
  hashed bigint not null default 0,
  changed_at timestamptz not null default now(),
  unique (container, key)
);

create table upload_part (
  upload bigint not null references upload on delete cascade,
  part int not null,
  bytes bigint not null,
  -- SHA-256 of each block, one behind the other: the state of the digest.
  blocks bytea not null,
  primary key (upload, part)
);
