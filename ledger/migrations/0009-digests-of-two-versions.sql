-- Digests of calendars and contacts are of version 2 from now on: a byte before the hash. Those of items are computed anew
-- when the items are read next. Till then a copy that nobody claimed is compared by the digest of either version.
alter table found add column earlier bytea;

-- What was found before has digests of version 1 only: it is read again before anything is compared with it.
update container set scanned = false
where scanned and pairing in (select id from pairing where kind in ('calendar', 'contacts'));
