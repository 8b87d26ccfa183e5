-- Who did what to a user, and when. No values: `before` and `after` are salted digests of what `fields` were and are,
-- null for what was empty.
create table user_events (
    tenant_id    uuid        not null,
    user_id      uuid        not null,
    id           uuid        not null,
    -- Only of a line that an import's block left for all users it made: theirs are ids from `user_id` to this one.
    last_user_id uuid,
    operation_id uuid,
    kind         text        not null,
    actor        text,
    fields       text[]      not null default '{}',
    before       text[]      not null default '{}',
    after        text[]      not null default '{}',
    at           timestamptz not null,
    constraint user_events_pkey primary key (tenant_id, user_id, id),
    constraint user_events_kind_known check (kind in ('created', 'updated', 'deleted', 'restored')),
    constraint user_events_block check ((last_user_id is null) = (operation_id is null))
);
create index user_events_blocks on user_events (tenant_id, last_user_id) where last_user_id is not null;

-- Welcome mails of users who were made one by one. A line is written with its user, goes into a batch, and is removed
-- when its mail was sent; a refused one stays.
create table welcome_mails (
    tenant_id    uuid        not null,
    user_id      uuid        not null,
    queued_at    timestamptz not null,
    batch_id     uuid,
    looked_at    timestamptz,
    refused_at   timestamptz,
    refused_code text,
    constraint welcome_mails_pkey primary key (tenant_id, user_id)
);
create index welcome_mails_waiting on welcome_mails (tenant_id, queued_at) where batch_id is null;
create index welcome_mails_open on welcome_mails (tenant_id, batch_id, user_id)
    where batch_id is not null and refused_at is null;
create index welcome_mails_stalled on welcome_mails (looked_at) where batch_id is not null and refused_at is null;

do $$
declare
    t text;
begin
    foreach t in array array['user_events', 'welcome_mails'] loop
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

-- The sweeper's door (0003) has a second wing: tenants with mails that wait, and batches that stand still. Ids only.
create policy relay on welcome_mails for select to current_user using (true);

create function muster_due_welcomes(stalled_before timestamptz, at_most integer)
    returns table (tenant_id uuid, batch_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    -- From tenant to tenant through the index, however many mails of each wait.
    (with recursive waiting as (
         (select w.tenant_id from public.welcome_mails w where w.batch_id is null order by w.tenant_id limit 1)
         union all
         select (select w.tenant_id from public.welcome_mails w
                  where w.batch_id is null and w.tenant_id > waiting.tenant_id order by w.tenant_id limit 1)
           from waiting
          where waiting.tenant_id is not null
     )
     select waiting.tenant_id, null::uuid from waiting where waiting.tenant_id is not null limit at_most)
    union all
    (select distinct w.tenant_id, w.batch_id
       from public.welcome_mails w
      where w.batch_id is not null and w.refused_at is null and w.looked_at < stalled_before
      limit at_most)
$$;

revoke all on function muster_due_welcomes from public;
grant execute on function muster_due_welcomes to muster_service;

-- Who asked for an operation.
alter table operations add column actor text;

-- A key stands for an operation or for one user.
alter table idempotency_keys alter column operation_id drop not null;
alter table idempotency_keys add column user_id uuid;
alter table idempotency_keys add constraint idempotency_keys_owner
    check ((operation_id is null) <> (user_id is null)) not valid;
create index idempotency_keys_user on idempotency_keys (tenant_id, user_id) where user_id is not null;
