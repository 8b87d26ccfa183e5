-- What an operation has to do with its parent; of rows that an earlier release writes, their kind says that they undo.
alter table operations add column relation text;
alter table operations add constraint operations_relation_known
    check (relation is null or (relation in ('undo', 'apply', 'retry') and parent_id is not null)) not valid;
alter table operations validate constraint operations_relation_known;

-- A plan does everything but the writes; its digest tells one outcome from another.
alter table operations add column dry_run boolean not null default false;
alter table operations add column plan_digest bytea;
alter table operation_blocks add column digest bytea;
-- What a block that follows a plan has to come to, or nothing of it is done.
alter table operation_blocks add column expected bytea;

-- When rows that are in an upload of several blocks twice were reported, which is before any block begins.
alter table operations add column prepared_at timestamptz;

-- Who cancelled it wants undone what it had done.
alter table operations add column undo_asked boolean not null default false;
alter table operations add column undo_asked_by text;

-- What became of a failed row when it was sent again.
alter table operation_rows add column retried_by uuid;
alter table operation_rows add column retried_row integer;
alter table operation_rows add column retried_status text;
alter table operation_rows add column retried_user uuid;

-- Rows that still are a problem: few, and looked for.
create index operation_rows_open_problems on operation_rows (tenant_id, operation_id, number)
    where status in ('failed', 'mail_refused') and retried_by is null;
drop index operation_rows_problems;

-- What a tenant has going on is counted before it begins more.
create index operations_open on operations (tenant_id) where finished_at is null;
