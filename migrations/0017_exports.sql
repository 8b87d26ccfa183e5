-- Exports of users. Their one block has no rows: its payload says whom they mean, and the ledger how many users were written.
alter table operation_blocks add column exported integer not null default 0;
-- The latest attempt at the file. Whoever makes an earlier one finds that it is not theirs, and stops.
alter table operation_blocks add column attempt integer not null default 0;

-- The file, once it is whole. Its line stays when its parts are removed, so that it can be said that it was there.
create table operation_files (
    tenant_id        uuid        not null,
    operation_id     uuid        not null,
    attempt          integer     not null,
    format           text        not null,
    bytes            bigint      not null,
    row_count        integer     not null,
    blake3           bytea       not null,
    created_at       timestamptz not null,
    expires_at       timestamptz not null,
    parts_removed_at timestamptz,
    constraint operation_files_pkey primary key (tenant_id, operation_id),
    constraint operation_files_operation foreign key (tenant_id, operation_id)
        references operations (tenant_id, id) on delete cascade
);
-- What the sweeper looks at.
create index operation_files_kept on operation_files (expires_at) where parts_removed_at is null;

-- The bytes of a file, about a megabyte each before compression. A part is known by where it begins.
create table operation_parts (
    tenant_id    uuid    not null,
    operation_id uuid    not null,
    attempt      integer not null,
    raw_offset   bigint  not null,
    raw_length   integer not null,
    data         bytea   not null,
    constraint operation_parts_pkey primary key (tenant_id, operation_id, attempt, raw_offset),
    constraint operation_parts_operation foreign key (tenant_id, operation_id)
        references operations (tenant_id, id) on delete cascade
);
-- Parts are compressed already.
alter table operation_parts alter column data set storage external;

-- Exports that do not go on and may have left parts; they are few, so a sweep can look at each.
create index operations_exports_at_rest on operations (tenant_id, id)
    where kind = 'users.export' and state in ('paused', 'failed', 'cancelled');

do $$
declare
    t text;
begin
    foreach t in array array['operation_files', 'operation_parts'] loop
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

-- The owner, who the door below runs as, sees the lines of all tenants, for reading.
create policy sweeper on operation_files for select to current_user using (true);
create policy sweeper on operation_parts for select to current_user using (true);

-- Another door for the sweeper, beside `muster_outdated`, which the previous release goes on to use as it is: ids of what has
-- parts that nobody will read.
create function muster_outdated_files(at_time timestamptz, at_most integer)
    returns table (tenant_id uuid, operation_id uuid, reason text)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    (select f.tenant_id, f.operation_id, 'old_file'
       from public.operation_files f
      where f.expires_at <= at_time and f.parts_removed_at is null
      order by f.expires_at limit at_most)
    union all
    (select o.tenant_id, o.id, 'old_file'
       from public.operations o
      where o.kind = 'users.export' and o.state in ('paused', 'failed', 'cancelled')
        and exists (
            select from public.operation_parts p where p.tenant_id = o.tenant_id and p.operation_id = o.id
        )
      limit at_most)
$$;

revoke all on function muster_outdated_files from public;
grant execute on function muster_outdated_files to muster_service;
