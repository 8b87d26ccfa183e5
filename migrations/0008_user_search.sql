-- What substring searches find users by (ADR 12): a text for each living user, with a trigram index that is brought up
-- to date behind the writes. Both extensions may be made by whoever may create in the database.
create extension if not exists pg_trgm;
create extension if not exists btree_gin;

create table user_search (
    tenant_id uuid not null,
    id        uuid not null,
    -- Three lines, in lower case: e-mail address, user name, name.
    doc       text not null
);
-- The tenant as text: a question for a tenant's texts is to have no other index than that of the trigrams, whatever the
-- planner thinks of it.
create unique index user_search_key on user_search (id, (tenant_id::text));
create index user_search_doc on user_search using gin (tenant_id, doc gin_trgm_ops);

-- Users whose text is not, or no longer, what `user_search` says: a line for each statement that wrote users.
create table user_search_queue (
    tenant_id uuid        not null,
    id        bigint      generated always as identity,
    ids       uuid[]      not null,
    users     bigint      not null,
    queued_at timestamptz not null default now(),
    constraint user_search_queue_pkey primary key (tenant_id, id)
);

do $$
declare
    t text;
begin
    foreach t in array array['user_search', 'user_search_queue'] loop
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

-- Triggers and not statements of the service: whoever writes users, an earlier release as well, leaves a line in the
-- transaction of the write.
create function user_search_written() returns trigger
    language plpgsql
as $$
begin
    insert into user_search_queue (tenant_id, ids, users)
    select tenant_id, array_agg(id), count(*) from written group by tenant_id;
    return null;
end
$$;

create function user_search_changed() returns trigger
    language plpgsql
as $$
begin
    insert into user_search_queue (tenant_id, ids, users)
    select n.tenant_id, array_agg(n.id), count(*)
      from after n
      join before o on o.tenant_id = n.tenant_id and o.id = n.id
     where (n.email, n.username, n.full_name, n.deleted_at is null)
           is distinct from (o.email, o.username, o.full_name, o.deleted_at is null)
     group by n.tenant_id;
    return null;
end
$$;

-- What was removed for good leaves its text behind for no moment. The line is for a text that is being written just now.
create function user_search_removed() returns trigger
    language plpgsql
as $$
begin
    delete from user_search s using written w where s.tenant_id = w.tenant_id and s.id = w.id;
    insert into user_search_queue (tenant_id, ids, users)
    select tenant_id, array_agg(id), count(*) from written group by tenant_id;
    return null;
end
$$;

create trigger user_search_made after insert on users
    referencing new table as written for each statement execute function user_search_written();
create trigger user_search_changed after update on users
    referencing old table as before new table as after for each statement execute function user_search_changed();
create trigger user_search_removed after delete on users
    referencing old table as written for each statement execute function user_search_removed();

-- LIKE is not leakproof: under row level security no index serves it. This function asks as the owner, for the tenant
-- that the transaction is bound to and for nobody else; without one it finds nobody. It gives ids only. Null is no
-- condition. The plan is made for the patterns of each call, and can only be that of the index.
create policy search on user_search for select to current_user using (true);

create function muster_search_users(email text, username text, full_name text, at_most integer)
    returns setof uuid
    language plpgsql stable security definer
    set search_path = pg_catalog, public
    set enable_seqscan = off
    set enable_indexscan = off
as $$
begin
    return query execute
        'select s.id from public.user_search s
          where s.tenant_id = $1 and s.doc like $2 and s.doc like $3 and s.doc like $4
          limit $5'
    using nullif(current_setting('app.tenant_id', true), '')::uuid,
          coalesce(email || E'\n%\n%', '%'),
          coalesce(E'%\n' || username || E'\n%', '%'),
          coalesce(E'%\n%\n' || full_name, '%'),
          at_most;
end
$$;

revoke all on function muster_search_users from public;
grant execute on function muster_search_users to muster_service;

-- A third wing of the sweeper's door (0003): tenants whose users wait to be indexed. Ids only.
create policy indexer on user_search_queue for select to current_user using (true);

create function muster_unindexed(at_most integer)
    returns table (tenant_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, public
as $$
    -- From tenant to tenant through the index, however many lines of each wait.
    with recursive waiting as (
        (select q.tenant_id from public.user_search_queue q order by q.tenant_id limit 1)
        union all
        select (select q.tenant_id from public.user_search_queue q
                 where q.tenant_id > waiting.tenant_id order by q.tenant_id limit 1)
          from waiting
         where waiting.tenant_id is not null
    )
    select waiting.tenant_id from waiting where waiting.tenant_id is not null limit at_most
$$;

revoke all on function muster_unindexed from public;
grant execute on function muster_unindexed to muster_service;

-- Who is there already.
create policy backfill on users for select to current_user using (true);
create policy backfill on user_search_queue for insert to current_user with check (true);
insert into user_search_queue (tenant_id, ids, users)
select tenant_id, array_agg(id), count(*)
  from (select tenant_id, id, (row_number() over (partition by tenant_id order by id) - 1) / 10000 as part from users) numbered
 group by tenant_id, part;
drop policy backfill on users;
drop policy backfill on user_search_queue;
