-- Makes users of one tenant in one round trip and one commit, each as `muster_insert_user` (0009, 0014) makes one: with the
-- first line of their history, their place in the line for a welcome mail where they are to have one, and what endpoints are
-- told. It gives the ids of those who are made; e-mail address or user name of the others are not free. Called again for the
-- same users it does nothing and gives the same ids. Lists of fields and digests are texts with commas, a digest that is
-- not there is `absent`. For an address or a name that an open transaction holds it waits so many milliseconds as `patience`
-- says, zero without end. It runs as whoever calls it, so row level security binds it like any statement.
create function muster_insert_users(
    tenant_id uuid, user_ids uuid[], emails text[], usernames text[], full_names text[], actives boolean[], versions bigint[],
    created_ats timestamptz[], updated_ats timestamptz[], event_ids uuid[], kinds text[], actors text[], fields text[],
    befores text[], afters text[], absent text, welcomes boolean[], patience integer
)
    returns uuid[]
    language plpgsql
as $$
declare
    made uuid[];
begin
    perform set_config('app.tenant_id', $1::text, true), set_config('lock_timeout', $18::text, true);
    with wanted as (
        select *
          from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17) as w (
                   user_id, email, username, full_name, is_active, version, created_at, updated_at, event_id, kind, actor,
                   fields, before, after, welcome
               )
    ), made as (
        insert into users as u (tenant_id, id, email, username, full_name, is_active, version, created_at, updated_at)
        select $1, w.user_id, w.email, w.username, w.full_name, w.is_active, w.version, w.created_at, w.updated_at
          from wanted w
        on conflict do nothing
        returning u.id
    ), events as (
        insert into user_events (tenant_id, user_id, id, kind, actor, fields, before, after, at)
        select $1, w.user_id, w.event_id, w.kind, w.actor
             , string_to_array(w.fields, ',')
             , string_to_array(w.before, ',', $16)
             , string_to_array(w.after, ',', $16)
             , w.created_at
          from made m
          join wanted w on w.user_id = m.id
    ), welcomed as (
        insert into welcome_mails (tenant_id, user_id, queued_at)
        select $1, w.user_id, w.created_at
          from made m
          join wanted w on w.user_id = m.id
         where w.welcome
    )
    select coalesce(array_agg(m.id), '{}') into made from made m;
    perform muster_tell(
                $1, 'user.created', w.created_at,
                jsonb_build_object('user_id', w.user_id, 'state', case when w.is_active then 'active' else 'inactive' end)
            )
       from unnest($2, $6, $8) as w (user_id, is_active, created_at)
      where w.user_id = any (made);
    if cardinality(made) = cardinality($2) then
        return made;
    end if;
    return made || array(
        select u.id
          from unnest($2, $3, $4, $8) as w (user_id, email, username, created_at)
          join users u on u.tenant_id = $1 and u.id = w.user_id
         where u.email = w.email and u.username = w.username and u.created_at = w.created_at and u.deleted_at is null
           and u.id <> all (made)
    );
end
$$;

revoke all on function muster_insert_users from public;
grant execute on function muster_insert_users to muster_service;
