-- Where tenants want to be told what happens to their data.
create table webhook_endpoints (
    tenant_id          uuid        not null,
    id                 uuid        not null,
    url                text        not null,
    description        text,
    events             text[]      not null,
    secret             bytea       not null,
    -- After a rotation both are used for a while.
    former_secret      bytea,
    former_valid_until timestamptz,
    disabled_at        timestamptz,
    disabled_reason    text,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint webhook_endpoints_pkey primary key (tenant_id, id),
    constraint webhook_endpoints_events_some check (cardinality(events) > 0),
    constraint webhook_endpoints_former check ((former_secret is null) = (former_valid_until is null)),
    constraint webhook_endpoints_disabled check ((disabled_at is null) = (disabled_reason is null)),
    constraint webhook_endpoints_reason_known check (disabled_reason in ('asked', 'gone'))
);

-- What they are told: an outbox, written by the transaction that causes it. `message_id` is the `webhook-id` on the wire;
-- a replay is another line with the same one. No foreign key to the endpoint: it would have each write of a user take a
-- lock on the endpoint, and fail when that is removed at the same moment. A line without its endpoint is cancelled.
create table webhook_deliveries (
    tenant_id       uuid        not null,
    id              uuid        not null,
    message_id      uuid        not null,
    endpoint_id     uuid        not null,
    event_type      text        not null,
    body            jsonb       not null,
    state           text        not null,
    attempts        integer     not null default 0,
    last_status     integer,
    last_error      text,
    created_at      timestamptz not null,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz,
    ended_at        timestamptz,
    -- When the relay is to look at it, while it is pending.
    due_at          timestamptz not null,
    constraint webhook_deliveries_pkey primary key (tenant_id, id),
    constraint webhook_deliveries_state_known check (state in ('pending', 'delivered', 'failed', 'cancelled')),
    constraint webhook_deliveries_end check ((state = 'pending') = (ended_at is null))
);
create index webhook_deliveries_of_endpoint on webhook_deliveries (tenant_id, endpoint_id, created_at desc, id desc);
create index webhook_deliveries_due on webhook_deliveries (tenant_id, due_at) where state = 'pending';
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where ended_at is not null;

do $$
declare
    t text;
begin
    foreach t in array array['webhook_endpoints', 'webhook_deliveries'] loop
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

-- An id of version 7. Here, because only the statement that tells knows how many are needed.
create function muster_time_ordered_id(at timestamptz) returns uuid
    language sql volatile
as $$
    select (
        lpad(to_hex(floor(extract(epoch from $1) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14)
    )::uuid
$$;

-- Notes that something happened, for each endpoint of the tenant that wants to know. It runs as whoever calls it, in their
-- transaction, so row level security binds it and a rolled-back change is told to nobody. Tenants have a few endpoints at
-- most, next to each other in the primary key: with none, this costs one look at an index.
create function muster_tell(tenant_id uuid, event_type text, at timestamptz, data jsonb) returns boolean
    language plpgsql
as $$
declare
    message uuid;
begin
    if not exists (
        select from webhook_endpoints e
         where e.tenant_id = $1 and e.disabled_at is null and $2 = any (e.events)
    ) then
        return false;
    end if;
    message := muster_time_ordered_id($3);
    insert into webhook_deliveries (
        tenant_id, id, message_id, endpoint_id, event_type, body, state, created_at, next_attempt_at, due_at
    )
    select $1, muster_time_ordered_id($3), message, e.id, $2,
           jsonb_build_object(
               'type', $2,
               'timestamp', to_char($3 at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'data', $4
           ),
           'pending', $3, $3, $3
      from webhook_endpoints e
     where e.tenant_id = $1 and e.disabled_at is null and $2 = any (e.events);
    return true;
end
$$;

revoke all on function muster_time_ordered_id, muster_tell from public;
grant execute on function muster_time_ordered_id, muster_tell to muster_service;

-- As in 0009, and tells of the new user.
create or replace function muster_insert_user(
    tenant_id uuid, user_id uuid, email text, username text, full_name text, is_active boolean, version bigint,
    created_at timestamptz, updated_at timestamptz, event_id uuid, kind text, actor text, fields text[], before text[],
    after text[], welcome boolean
)
    returns boolean
    language plpgsql
as $$
begin
    perform set_config('app.tenant_id', $1::text, true);
    insert into users (tenant_id, id, email, username, full_name, is_active, version, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict do nothing;
    if not found then
        return exists (
            select from users u
             where u.tenant_id = $1 and u.id = $2 and u.email = $3 and u.username = $4 and u.created_at = $8
               and u.deleted_at is null
        );
    end if;
    insert into user_events (tenant_id, user_id, id, kind, actor, fields, before, after, at)
    values ($1, $2, $10, $11, $12, $13, $14, $15, $8);
    if $16 then
        insert into welcome_mails (tenant_id, user_id, queued_at) values ($1, $2, $8);
    end if;
    perform muster_tell(
        $1, 'user.created', $8,
        jsonb_build_object('user_id', $2, 'state', case when $6 then 'active' else 'inactive' end)
    );
    return true;
end
$$;

-- The sweeper's door (0003) has one more wing: tenants with deliveries that are due or were kept for long enough. Ids only.
create policy relay on webhook_deliveries for select to current_user using (true);

create function muster_due_webhooks(at_time timestamptz, ended_before timestamptz, at_most integer)
    returns table (tenant_id uuid, reason text)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    -- From tenant to tenant through the index, however many deliveries of each wait.
    (with recursive pending as (
         (select d.tenant_id from public.webhook_deliveries d where d.state = 'pending' order by d.tenant_id limit 1)
         union all
         select (select d.tenant_id from public.webhook_deliveries d
                  where d.state = 'pending' and d.tenant_id > pending.tenant_id order by d.tenant_id limit 1)
           from pending
          where pending.tenant_id is not null
     )
     select pending.tenant_id, 'waiting'
       from pending
      where pending.tenant_id is not null
        and exists (
            select from public.webhook_deliveries d
             where d.tenant_id = pending.tenant_id and d.state = 'pending' and d.due_at <= at_time
        )
      limit at_most)
    union all
    (select distinct old.tenant_id, 'outdated'
       from (
           select d.tenant_id
             from public.webhook_deliveries d
            where d.ended_at < ended_before
            order by d.ended_at
            limit at_most
       ) old)
$$;

revoke all on function muster_due_webhooks from public;
grant execute on function muster_due_webhooks to muster_service;
