-- Tasks. What is to remind somebody is in the task's own line: a write of the task is a write of its reminders, so the two
-- never disagree (docs/adr/0027-task-reminders.md).
create table tasks (
    tenant_id        uuid          not null,
    id               uuid          not null,
    title            text          not null,
    description      text,
    status           text          not null,
    priority         smallint      not null,
    -- No foreign keys: users are removed for good, and a write of a task would take a lock on them.
    assignee_id      uuid,
    creator_id       uuid,
    due_at           timestamptz,
    -- By what lists are sorted: what is never due comes after all that is. A column, because under row level security no
    -- index serves a comparison of an expression.
    due_key          timestamptz   not null
        generated always as (coalesce(due_at, '10000-01-01 00:00:00+00'::timestamptz)) stored,
    remind_at        timestamptz[] not null default '{}',
    tags             text[]        not null default '{}',
    recurrence       text,
    series_id        uuid,
    series_number    integer,
    series_start     timestamptz,
    series_at        timestamptz,
    series_zone      text,
    completed_at     timestamptz,
    version          bigint        not null,
    created_at       timestamptz   not null,
    updated_at       timestamptz   not null,
    deleted_at       timestamptz,
    -- Reminders up to here were sent, or are not to be; the next one is to go out then.
    reminded_through timestamptz   not null,
    next_reminder_at timestamptz,
    constraint tasks_pkey primary key (tenant_id, id),
    constraint tasks_status_known check (status in ('todo', 'in_progress', 'done', 'cancelled')),
    constraint tasks_priority_known check (priority between 0 and 3),
    constraint tasks_done check ((status = 'done') = (completed_at is not null)),
    constraint tasks_series check (
        num_nonnulls(recurrence, series_id, series_number, series_start, series_at, series_zone) in (0, 6)
    )
);

-- A series has each of its tasks once, however often the one before is completed.
create unique index tasks_series_key on tasks (tenant_id, series_id, series_number) where series_id is not null;
-- One for each order of a list. Ascending: they are read backwards as well, and an import appends at the right end.
create index tasks_latest on tasks (tenant_id, created_at, id) where deleted_at is null;
create index tasks_latest_deleted on tasks (tenant_id, created_at, id) where deleted_at is not null;
create index tasks_by_due on tasks (tenant_id, due_key, id) where deleted_at is null;
create index tasks_by_priority on tasks (tenant_id, priority, id) where deleted_at is null;
create index tasks_of_assignee on tasks (tenant_id, assignee_id, created_at, id)
    where deleted_at is null and assignee_id is not null;
-- What sleeps costs a line here, and nothing else.
create index tasks_reminders on tasks (tenant_id, next_reminder_at) where next_reminder_at is not null;

-- How a tenant wants its tasks treated; no line means by default.
create table task_settings (
    tenant_id  uuid        not null,
    time_zone  text        not null,
    quiet_from time,
    quiet_to   time,
    orphans    text        not null,
    updated_at timestamptz not null,
    constraint task_settings_pkey primary key (tenant_id),
    constraint task_settings_quiet check ((quiet_from is null) = (quiet_to is null)),
    constraint task_settings_orphans_known check (orphans in ('unassign', 'creator'))
);

do $$
declare
    t text;
begin
    foreach t in array array['tasks', 'task_settings'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I
                 using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))
                 with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))', t);
        execute format('grant select, insert, update, delete on %I to muster_service', t);
    end loop;
end
$$;

-- A key may stand for a task, too.
alter table idempotency_keys add column task_id uuid;
alter table idempotency_keys drop constraint idempotency_keys_owner;
alter table idempotency_keys add constraint idempotency_keys_owner
    check (num_nonnulls(operation_id, user_id, task_id) = 1) not valid;
