-- The digest of a write that broke off where the item's copy stands, or is to stand: what is there now may be a part of it.
-- And what the target said when a batch ended without answers.
alter table item add column broken text;
alter table batch add column words text;
-- What tells the disk that a place stands on from another in its place, where a path of the worker is the place.
alter table place add column root text;
