-- The epoch of what processes share in Redis (ADR 14): whoever could not tell Redis of a write raises it, and all that
-- lies in Redis is of an epoch that nobody believes any more. No table: it holds nobody's data, needs no lock, and is
-- never rolled back.
create sequence muster_cache_epoch;
grant select, usage on sequence muster_cache_epoch to muster_service;
