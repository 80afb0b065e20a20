-- What a run with little to do looks for is found without reading the items that stand.

-- In the order in which removals are marked and made.
drop index item_gone;
create index item_gone on item (container, key) where gone;
-- Items that were left out, or refused, before anything was written: another of the same identity may be gone by now.
create index item_left on item (container) where outcome in ('skipped', 'refused') and target_ref is null;
-- What is bound to one folder of the target: asked with every result.
create index container_by_target on container (pairing, target_key);

-- What came to the target before this anchor was looked at: the next look begins there. Null: it looks at everything.
alter table container add column scanned_to text;
