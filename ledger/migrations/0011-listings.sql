-- Listings that come in no order: what one has named stands here until it is known what it no longer names. Logged: after
-- a crash of the server an unlogged table is empty, while the place to go on from is not, and all that was named before
-- that place would be taken for gone. Rows belong to the listing whose number a survey holds; those of others are swept.
create sequence listing;
create table listed (
  listing bigint not null,
  key text collate "C" not null,
  -- What stands below this key was not looked at.
  hidden boolean not null default false,
  primary key (listing, key)
);
create index listed_hidden on listed (listing) where hidden;

-- Of a listing under way in no order: its number, and how far it has come. Its place to go on from is in listing_after.
alter table survey add column listing_id bigint;
alter table survey add column listing_state text;
create index survey_by_listing on survey (listing_id) where listing_id is not null;

-- Size and metadata come with its content: what stands here of them is nothing, or of an earlier version.
alter table item add column unread boolean not null default false;
-- Two readings of it differ though nothing was edited.
alter table item add column unstable boolean not null default false;
