-- The lists of users, the latest first. Ascending: they are read backwards, and an import appends at the right end.
create index users_latest on users (tenant_id, created_at, id) where deleted_at is null;
create index users_latest_deleted on users (tenant_id, created_at, id) where deleted_at is not null;

-- Under row level security no index serves `lower(username) = …`: `lower` is not leakproof, so it is asked of every row
-- that the policy lets through. A comparison of a plain column is, and does use its index.
alter table users add column username_key text generated always as (lower(username)) stored;
drop index users_username_key;
create unique index users_username_key on users (tenant_id, username_key) where deleted_at is null;
