-- Reminders of tasks on their way. What is due is taken out of the tasks' own lines and put here in the same transaction;
-- a line goes when its mail was sent, or nobody wants it any more. A refused one stays
-- (docs/adr/0027-task-reminders.md).
create table reminder_mails (
    tenant_id    uuid        not null,
    id           uuid        not null,
    batch_id     uuid        not null,
    task_id      uuid        not null,
    user_id      uuid        not null,
    kind         text        not null,
    -- The date it is about.
    at           timestamptz not null,
    looked_at    timestamptz not null,
    refused_at   timestamptz,
    refused_code text,
    constraint reminder_mails_pkey primary key (tenant_id, id),
    constraint reminder_mails_kind_known check (kind in ('reminder', 'due', 'overdue')),
    constraint reminder_mails_refused check ((refused_at is null) = (refused_code is null))
);
create index reminder_mails_open on reminder_mails (tenant_id, batch_id, id) where refused_at is null;
create index reminder_mails_stalled on reminder_mails (looked_at) where refused_at is null;
-- They go with what they are about. The others find out by themselves.
create index reminder_mails_refused_of_task on reminder_mails (tenant_id, task_id) where refused_at is not null;
create index reminder_mails_refused_of_user on reminder_mails (tenant_id, user_id) where refused_at is not null;

alter table reminder_mails enable row level security;
alter table reminder_mails force row level security;
create policy tenant on reminder_mails
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
grant select, insert, update, delete on reminder_mails to muster_service;

-- Until then nothing is taken of this tenant, because its hours are quiet: so that nobody looks again and again.
alter table task_settings add column quiet_until timestamptz;

-- Two more wings of the sweeper's door (0003). Ids only.
create policy relay on tasks for select to current_user using (true);
create policy relay on task_settings for select to current_user using (true);
create policy relay on reminder_mails for select to current_user using (true);

-- Tenants of whose tasks one is to remind somebody, from this one on. From tenant to tenant through the index, whose first
-- line of each is its earliest date: however many sleep.
create function muster_due_reminders(due_at timestamptz, from_tenant uuid, at_most integer)
    returns table (tenant_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    with recursive earliest as (
        (select t.tenant_id, t.next_reminder_at
           from public.tasks t
          where t.next_reminder_at is not null and t.tenant_id >= from_tenant
          order by t.tenant_id, t.next_reminder_at
          limit 1)
        union all
        select next.tenant_id, next.next_reminder_at
          from earliest
         cross join lateral (
              select t.tenant_id, t.next_reminder_at
                from public.tasks t
               where t.next_reminder_at is not null and t.tenant_id > earliest.tenant_id
               order by t.tenant_id, t.next_reminder_at
               limit 1
         ) next
    )
    select earliest.tenant_id
      from earliest
     where earliest.next_reminder_at <= due_at
       and not exists (
           select from public.task_settings s where s.tenant_id = earliest.tenant_id and s.quiet_until > due_at
       )
     limit at_most
$$;

create function muster_stalled_reminders(stalled_before timestamptz, at_most integer)
    returns table (tenant_id uuid, batch_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    select distinct m.tenant_id, m.batch_id
      from public.reminder_mails m
     where m.refused_at is null and m.looked_at < stalled_before
     limit at_most
$$;

revoke all on function muster_due_reminders from public;
revoke all on function muster_stalled_reminders from public;
grant execute on function muster_due_reminders to muster_service;
grant execute on function muster_stalled_reminders to muster_service;
