-- Lines of `user_search_queue` that were ever taken out of it. With those that wait it is the number of statements that
-- changed who is found by what: while it stays the same, so do the totals of a tenant's lists (ADR 36). A number, and not the
-- highest id, because ids become visible in another order than they were given.
create table user_search_taken (
    tenant_id uuid   not null,
    lines     bigint not null,
    constraint user_search_taken_pkey primary key (tenant_id)
);
alter table user_search_taken enable row level security;
alter table user_search_taken force row level security;
create policy tenant on user_search_taken
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
grant select, insert, update, delete on user_search_taken to muster_service;

-- A trigger, so that a worker of an earlier release, who takes lines as well, cannot forget it.
create function user_search_was_taken() returns trigger
    language plpgsql
as $$
begin
    insert into user_search_taken as t (tenant_id, lines)
    select tenant_id, count(*) from taken group by tenant_id
        on conflict (tenant_id) do update set lines = t.lines + excluded.lines;
    return null;
end
$$;

create trigger user_search_taken after delete on user_search_queue
    referencing old table as taken for each statement execute function user_search_was_taken();
