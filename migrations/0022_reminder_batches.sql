-- A batch of reminders has mails of several tenants: so that a thousand tenants with a mail each are a few workflows and not
-- a thousand (docs/adr/0027-task-reminders.md).

-- Who has mails in a batch, and which of a tenant: one index serves both.
create index reminder_mails_batch on reminder_mails (batch_id, tenant_id, id) where refused_at is null;
drop index reminder_mails_open;

-- Ids only, as with the other wings of the door. `muster_stalled_reminders` stays for the release before this one.
create function muster_stalled_reminder_batches(stalled_before timestamptz, at_most integer)
    returns table (batch_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    select distinct m.batch_id
      from public.reminder_mails m
     where m.refused_at is null and m.looked_at < stalled_before
     order by m.batch_id
     limit at_most
$$;

create function muster_tenants_of_reminders(batch uuid)
    returns table (tenant_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    select distinct m.tenant_id
      from public.reminder_mails m
     where m.batch_id = batch and m.refused_at is null
     order by m.tenant_id
$$;

revoke all on function muster_stalled_reminder_batches from public;
revoke all on function muster_tenants_of_reminders from public;
grant execute on function muster_stalled_reminder_batches to muster_service;
grant execute on function muster_tenants_of_reminders to muster_service;
