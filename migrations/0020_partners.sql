-- Services that act for a tenant with requests that they sign. `client_id` is by what they name themselves, before anybody
-- knows the tenant. The secrets are sealed with the key of the deployment.
create table partner_clients (
    tenant_id          uuid        not null,
    id                 uuid        not null,
    client_id          text        not null,
    name               text        not null,
    secret             bytea       not null,
    -- After a rotation both are accepted for a while.
    former_secret      bytea,
    former_valid_until timestamptz,
    is_active          boolean     not null,
    -- Networks from which it may ask; none: any.
    allowed            text[]      not null,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint partner_clients_pkey primary key (tenant_id, id),
    constraint partner_clients_client_id_key unique (client_id),
    constraint partner_clients_former check ((former_secret is null) = (former_valid_until is null))
);

-- Signatures that were accepted: each is accepted once. They are remembered until their timestamps are too old anyway.
create table partner_signatures (
    tenant_id  uuid        not null,
    client_id  uuid        not null,
    signature  bytea       not null,
    expires_at timestamptz not null,
    constraint partner_signatures_pkey primary key (tenant_id, client_id, signature)
);
create index partner_signatures_expired on partner_signatures (expires_at);

-- What partners have told: an inbox, and the outbox of the workflows that see to it. What was said goes when an operation
-- has it.
create table partner_events (
    tenant_id    uuid        not null,
    id           uuid        not null,
    client_id    uuid        not null,
    event_id     text        not null,
    event_type   text        not null,
    data         jsonb,
    state        text        not null,
    -- No foreign key: operations are removed, when their results have been kept for long enough.
    operation_id uuid,
    reason       text,
    received_at  timestamptz not null,
    -- When the sweeper is to look at it, while it waits.
    due_at       timestamptz not null,
    ended_at     timestamptz,
    constraint partner_events_pkey primary key (tenant_id, id),
    constraint partner_events_event_key unique (tenant_id, client_id, event_id),
    constraint partner_events_state_known check (state in ('received', 'processed', 'ignored', 'failed')),
    constraint partner_events_end check ((state = 'received') = (ended_at is null)),
    constraint partner_events_operation check ((state = 'processed') = (operation_id is not null)),
    constraint partner_events_reason check ((state = 'failed') = (reason is not null)),
    constraint partner_events_data check (state = 'processed' or data is not null)
);
create index partner_events_list on partner_events (tenant_id, received_at desc, id desc);
create index partner_events_due on partner_events (due_at) where state = 'received';
create index partner_events_ended on partner_events (ended_at) where ended_at is not null;

do $$
declare
    t text;
begin
    foreach t in array array['partner_clients', 'partner_signatures', 'partner_events'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I
                 using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))
                 with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))', t);
        execute format('grant select, insert, update, delete on %I to muster_service', t);
        -- The owner, who the doors below run as, sees the lines of all tenants, for reading.
        execute format('create policy door on %I for select to current_user using (true)', t);
    end loop;
end
$$;

-- A door for whoever checks a request: whose client has this public id. Ids only; the rest is read within the tenant.
create function muster_partner_client(public_id text)
    returns table (tenant_id uuid, client_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    select c.tenant_id, c.id from public.partner_clients c where c.client_id = public_id
$$;

-- A door for the sweeper: events that wait, and tenants whose signatures and events were kept for long enough.
create function muster_due_partners(at_time timestamptz, ended_before timestamptz, at_most integer)
    returns table (tenant_id uuid, event_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    (select e.tenant_id, e.id
       from public.partner_events e
      where e.state = 'received' and e.due_at < at_time
      order by e.due_at
      limit at_most)
    union all
    (select distinct old.tenant_id, null::uuid
       from (
           (select s.tenant_id
              from public.partner_signatures s
             where s.expires_at < at_time
             order by s.expires_at
             limit at_most)
           union all
           (select e.tenant_id
              from public.partner_events e
             where e.ended_at < ended_before
             order by e.ended_at
             limit at_most)
       ) old)
$$;

revoke all on function muster_partner_client, muster_due_partners from public;
grant execute on function muster_partner_client, muster_due_partners to muster_service;

-- What a synchronisation leaves: a line in the history of each user, and a row.
alter table user_events drop constraint user_events_kind_known;
alter table user_events add constraint user_events_kind_known check (
    kind in ('created', 'updated', 'deleted', 'restored', 'synced')
) not valid;
alter table user_events validate constraint user_events_kind_known;
alter table operation_rows drop constraint operation_rows_status_known;
alter table operation_rows add constraint operation_rows_status_known check (
    status in ('failed', 'mail_refused', 'skipped', 'updated', 'deleted', 'restored', 'erased', 'synced')
) not valid;
alter table operation_rows validate constraint operation_rows_status_known;
