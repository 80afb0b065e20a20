-- Failures are looked at again in each run: found without reading the items that stand.
create index item_failed on item (container) 
  where outcome in ('refused', 'quarantined', 'altered', 'missing', 'unsure', 'conflict');
