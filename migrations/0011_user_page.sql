-- A page of the living users of a tenant, the latest first, in one round trip: the transaction is bound to the tenant and the
-- page is read. Behind a position when one is given, else after so many others. It runs as whoever calls it, so row level
-- security binds it like any statement.
create function muster_user_page(tenant_id uuid, after_created_at timestamptz, after_id uuid, skipped bigint, size bigint)
    returns table (
        id uuid, email text, username text, full_name text, is_active boolean, version bigint, created_at timestamptz,
        updated_at timestamptz
    )
    language plpgsql
    -- Planned once per connection: to plan takes longer than to read a page. The planner must not guess then that so many
    -- are wanted that sorting all of them were cheaper than the index.
    set plan_cache_mode = force_generic_plan
    set enable_sort = off
as $$
begin
    perform set_config('app.tenant_id', $1::text, true);
    -- Two statements: a plan for both would have to read the list from its beginning.
    if $2 is null then
        return query
            select u.id, u.email, u.username, u.full_name, u.is_active, u.version, u.created_at, u.updated_at
              from users u
             where u.tenant_id = $1 and u.deleted_at is null
             order by u.created_at desc, u.id desc
            offset $4 limit $5;
    else
        return query
            select u.id, u.email, u.username, u.full_name, u.is_active, u.version, u.created_at, u.updated_at
              from users u
             where u.tenant_id = $1 and u.deleted_at is null and (u.created_at, u.id) < ($2, $3)
             order by u.created_at desc, u.id desc
             limit $5;
    end if;
end
$$;

revoke all on function muster_user_page from public;
grant execute on function muster_user_page to muster_service;
