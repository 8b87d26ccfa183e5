-- Makes one user in one round trip: the transaction is bound to the tenant, and the user, the first line of their history and
-- their place in the line for a welcome mail are inserted; false, and nothing done, when e-mail address or user name are
-- not free. Called again for the same user it does nothing and says true, so who does not know whether a call was done may
-- repeat it. It runs as whoever calls it, so row level security binds it like any statement.
create function muster_insert_user(
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
    return true;
end
$$;

revoke all on function muster_insert_user from public;
grant execute on function muster_insert_user to muster_service;
