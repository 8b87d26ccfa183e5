-- Users. Every tenant table has forced row level security, and every statement names the tenant all the same:
-- two locks, because each alone has been forgotten somewhere.
--
-- Roles: the owner runs migrations; services log in as members of `muster_service`, which owns nothing and
-- bypasses nothing.
do $$
begin
    if not exists (select from pg_roles where rolname = 'muster_service') then
        create role muster_service nologin;
    end if;
end
$$;

create table users (
    tenant_id  uuid        not null,
    id         uuid        not null,
    email      text        not null,
    username   text        not null,
    full_name  text,
    is_active  boolean     not null default true,
    version    bigint      not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint users_pkey primary key (tenant_id, id)
);

-- Unique per tenant and among the living. E-mail is stored in normal form.
create unique index users_email_key on users (tenant_id, email) where deleted_at is null;
create unique index users_username_key on users (tenant_id, lower(username)) where deleted_at is null;

alter table users enable row level security;
alter table users force row level security;
-- The subselect makes the planner ask for the setting once per statement, not once per row.
create policy tenant on users
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

grant select, insert, update, delete on users to muster_service;
