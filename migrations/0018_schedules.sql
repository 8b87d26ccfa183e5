-- Operations that begin by themselves. The line is the truth, and the engine's schedule follows it: the engine has heard of
-- everything when `synced_revision` is `revision`. A line that is deleted stays until it has heard of that, too.
create table schedules (
    tenant_id         uuid        not null,
    id                uuid        not null,
    name              text,
    kind              text        not null,
    -- As it was given: each run reads it anew.
    filter            text        not null,
    format            text,
    cron              text        not null,
    time_zone         text        not null,
    state             text        not null,
    revision          bigint      not null,
    synced_revision   bigint      not null default 0,
    last_run_at       timestamptz,
    -- No foreign key: operations are removed, when their results have been kept for long enough.
    last_operation_id uuid,
    last_skipped      text,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    deleted_at        timestamptz,
    constraint schedules_pkey primary key (tenant_id, id),
    constraint schedules_state_known check (state in ('active', 'paused')),
    constraint schedules_run check (
        num_nonnulls(last_operation_id, last_skipped) = case when last_run_at is null then 0 else 1 end
    )
);
-- What the sweeper looks at: next to nothing.
create index schedules_unsynced on schedules (updated_at) where synced_revision < revision;

alter table schedules enable row level security;
alter table schedules force row level security;
create policy tenant on schedules
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
grant select, insert, update, delete on schedules to muster_service;

-- The owner, who the door below runs as, sees the lines of all tenants, for reading.
create policy sweeper on schedules for select to current_user using (true);

-- Another door for the sweeper: ids of schedules of which the engine has not heard.
create function muster_unsynced_schedules(changed_before timestamptz, at_most integer)
    returns table (tenant_id uuid, schedule_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    select s.tenant_id, s.id
      from public.schedules s
     where s.synced_revision < s.revision and s.updated_at < changed_before
     order by s.updated_at
     limit at_most
$$;

revoke all on function muster_unsynced_schedules from public;
grant execute on function muster_unsynced_schedules to muster_service;
