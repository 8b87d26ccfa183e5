-- What has ended long ago is removed: first the rows as uploaded, later the operation with all that is stored of it.
alter table operation_blocks alter column payload drop not null;
-- When the last of its blocks lost its payload.
alter table operations add column upload_removed_at timestamptz;

create index operations_uploads on operations (finished_at) where finished_at is not null and upload_removed_at is null;
create index operations_ended on operations (finished_at) where finished_at is not null;

-- Another door for the sweeper, beside `muster_due`, which the previous release goes on to use as it is. An operation
-- stays while mails of it are to be sent, and while an idempotency key stands for it: without the operation, a repeated
-- request would import anew.
create function muster_outdated(uploads_before timestamptz, results_before timestamptz, at_most integer)
    returns table (tenant_id uuid, operation_id uuid, reason text)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    (select o.tenant_id, o.id, 'old_upload'
       from public.operations o
      where o.finished_at < uploads_before and o.upload_removed_at is null
      order by o.finished_at limit at_most)
    union all
    (select o.tenant_id, o.id, 'old_results'
       from public.operations o
      where o.finished_at < results_before
        and not exists (
            select from public.idempotency_keys k where k.tenant_id = o.tenant_id and k.operation_id = o.id
        )
        and not exists (
            select from public.mail_batches m
             where m.tenant_id = o.tenant_id and m.operation_id = o.id
               and (m.done_through < m.last_row or m.deferred <> '{}')
        )
      order by o.finished_at limit at_most)
$$;

revoke all on function muster_outdated from public;
grant execute on function muster_outdated to muster_service;
