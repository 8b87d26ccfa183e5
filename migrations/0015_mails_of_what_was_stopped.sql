-- The sweeper's door as in 0003, but mails are looked after however their operation has ended: also of one that was cancelled,
-- or undone, there are users who are to be welcomed.
create or replace function muster_due(stalled_before timestamptz, abandoned_before timestamptz, at_time timestamptz, at_most integer)
    returns table (tenant_id uuid, operation_id uuid, reason text)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    (select o.tenant_id, o.id, 'start'
       from public.operations o
      where o.state in ('queued', 'running') and o.updated_at < stalled_before
      order by o.updated_at limit at_most)
    union all
    (select o.tenant_id, o.id, 'abandoned'
       from public.operations o
      where o.state = 'receiving' and o.updated_at < abandoned_before
      order by o.updated_at limit at_most)
    union all
    (select distinct m.tenant_id, m.operation_id, 'mails'
       from public.mail_batches m
       join public.operations o on o.tenant_id = m.tenant_id and o.id = m.operation_id
      where (m.done_through < m.last_row or m.deferred <> '{}') and m.updated_at < stalled_before
        and o.finished_at is not null and o.updated_at < stalled_before
      limit at_most)
    union all
    (select distinct k.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid, 'expired_keys'
       from public.idempotency_keys k
      where k.expires_at < at_time
      limit at_most)
$$;
