-- Operations of every kind: what they do with users who are there, and what it takes to undo it.
alter table operations add column on_conflict text not null default 'fail';
alter table operations add column match_by text not null default 'email';
-- What it is about or goes on with: for an undo, what it undoes.
alter table operations add column parent_id uuid;
create index operations_parent on operations (tenant_id, parent_id, created_at) where parent_id is not null;

alter table operations drop constraint operations_state_known;
alter table operations add constraint operations_state_known check (
    state in (
        'receiving', 'queued', 'running', 'paused', 'succeeded', 'partially_succeeded', 'failed', 'cancelled', 'undone'
    )
) not valid;
alter table operations validate constraint operations_state_known;

alter table operation_blocks add column changed integer not null default 0;
alter table operation_blocks add column skipped integer not null default 0;

-- The user a row is about when that was there before, their version once the row was done, and what the fields that it
-- set were before.
alter table operation_rows add column user_id uuid;
alter table operation_rows add column version bigint;
alter table operation_rows add column before jsonb;
alter table operation_rows drop constraint operation_rows_status_known;
alter table operation_rows add constraint operation_rows_status_known check (
    status in ('failed', 'mail_refused', 'skipped', 'updated', 'deleted', 'restored', 'erased')
) not valid;
alter table operation_rows validate constraint operation_rows_status_known;
-- Of an operation on users who are there, all rows are stored, and few of them are looked for.
create index operation_rows_problems on operation_rows (tenant_id, operation_id, number)
    where status in ('failed', 'mail_refused');
-- Former values go with their user.
create index operation_rows_before on operation_rows (tenant_id, user_id) where before is not null;

-- A line of history of one user may have been left by an operation, too.
alter table user_events drop constraint user_events_block;
alter table user_events add constraint user_events_block check (last_user_id is null or operation_id is not null)
    not valid;
alter table user_events validate constraint user_events_block;
