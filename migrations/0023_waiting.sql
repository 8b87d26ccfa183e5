-- What waits, for those who run the service: how many of each, of all tenants together, and since when the oldest. One more
-- wing of the sweeper's door (0003), and the narrowest: it gives no ids. Counts end at `at_most`, so that a long outage does
-- not make the look at it dear.
create function muster_waiting(at_time timestamptz, at_most integer)
    returns table (what text, waiting bigint, since timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    -- The sweeper touches those whose workflow runs: an old one has none, or nobody looks.
    select 'operations_' || s.state, count(o.updated_at), min(o.updated_at)
      from unnest(array['receiving', 'queued', 'running']) s (state)
      left join lateral (
           select o.updated_at
             from public.operations o
            where o.state in ('receiving', 'queued', 'running') and o.state = s.state
            limit at_most
      ) o on true
     group by s.state
    union all
    select 'mail_batches', count(*), min(m.updated_at)
      from (
           select m.updated_at
             from public.mail_batches m
            where m.done_through < m.last_row or m.deferred <> '{}'
            order by m.updated_at
            limit at_most
      ) m
    union all
    select 'reminder_mails', count(*), min(m.looked_at)
      from (
           select m.looked_at
             from public.reminder_mails m
            where m.refused_at is null
            order by m.looked_at
            limit at_most
      ) m
    union all
    -- The rest from tenant to tenant through the index, whose first line of each is its oldest: however many wait.
    (with recursive oldest as (
         (select w.tenant_id, w.queued_at
            from public.welcome_mails w
           where w.batch_id is null
           order by w.tenant_id, w.queued_at
           limit 1)
         union all
         select next.tenant_id, next.queued_at
           from oldest
          cross join lateral (
               select w.tenant_id, w.queued_at
                 from public.welcome_mails w
                where w.batch_id is null and w.tenant_id > oldest.tenant_id
                order by w.tenant_id, w.queued_at
                limit 1
          ) next
     )
     select 'welcome_mails',
            (select count(*) from (select from public.welcome_mails w where w.batch_id is null limit at_most) w),
            (select min(oldest.queued_at) from oldest))
    union all
    (with recursive earliest as (
         (select d.tenant_id, d.due_at
            from public.webhook_deliveries d
           where d.state = 'pending'
           order by d.tenant_id, d.due_at
           limit 1)
         union all
         select next.tenant_id, next.due_at
           from earliest
          cross join lateral (
               select d.tenant_id, d.due_at
                 from public.webhook_deliveries d
                where d.state = 'pending' and d.tenant_id > earliest.tenant_id
                order by d.tenant_id, d.due_at
                limit 1
          ) next
     )
     select 'webhooks', coalesce(sum(late.count), 0)::bigint, min(earliest.due_at)
       from earliest
      cross join lateral (
           select count(*)
             from (
                  select
                    from public.webhook_deliveries d
                   where d.tenant_id = earliest.tenant_id and d.state = 'pending' and d.due_at <= at_time
                   limit at_most
             ) d
      ) late
      where earliest.due_at <= at_time)
    union all
    (with recursive earliest as (
         (select t.tenant_id, t.next_reminder_at
            from public.tasks t
           where t.next_reminder_at is not null
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
     select 'reminders', coalesce(sum(late.count), 0)::bigint, min(earliest.next_reminder_at)
       from earliest
      cross join lateral (
           select count(*)
             from (
                  select
                    from public.tasks t
                   where t.tenant_id = earliest.tenant_id and t.next_reminder_at <= at_time
                   limit at_most
             ) t
      ) late
      where earliest.next_reminder_at <= at_time
        -- Those of a tenant whose hours are quiet are not late.
        and not exists (
            select from public.task_settings s
             where s.tenant_id = earliest.tenant_id and s.quiet_until > at_time
        ))
$$;

revoke all on function muster_waiting from public;
grant execute on function muster_waiting to muster_service;
