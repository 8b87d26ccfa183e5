-- Long-running operations: the truth that clients see. Temporal carries them out; counts come from here.
create table operations (
    tenant_id       uuid        not null,
    id              uuid        not null,
    kind            text        not null,
    state           text        not null,
    format          text        not null,
    on_error        text        not null default 'continue',
    send_welcome    boolean     not null default true,
    unknown_columns text[]      not null default '{}',
    rows_total      integer     not null default 0,
    blocks_total    integer     not null default 0,
    failure_code    text,
    failure_detail  text,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    queued_at       timestamptz,
    started_at      timestamptz,
    finished_at     timestamptz,
    constraint operations_pkey primary key (tenant_id, id),
    constraint operations_state_known check (
        state in ('receiving', 'queued', 'running', 'succeeded', 'partially_succeeded', 'failed', 'cancelled')
    )
);

-- What the sweeper looks at.
create index operations_unfinished on operations (updated_at) where state in ('receiving', 'queued', 'running');

-- The rows of an upload, and the ledger: a block with `settled_at` is done, and is never done again.
create table operation_blocks (
    tenant_id    uuid    not null,
    operation_id uuid    not null,
    number       integer not null,
    first_row    integer not null,
    row_count    integer not null,
    payload      bytea   not null,
    created      integer,
    failed       integer,
    settled_at   timestamptz,
    constraint operation_blocks_pkey primary key (tenant_id, operation_id, number),
    constraint operation_blocks_operation foreign key (tenant_id, operation_id)
        references operations (tenant_id, id) on delete cascade
);
-- Payloads are compressed already.
alter table operation_blocks alter column payload set storage external;

-- Only rows that did not simply succeed.
create table operation_rows (
    tenant_id    uuid    not null,
    operation_id uuid    not null,
    number       integer not null,
    line         bigint  not null,
    status       text    not null,
    problems     jsonb   not null,
    constraint operation_rows_pkey primary key (tenant_id, operation_id, number),
    constraint operation_rows_operation foreign key (tenant_id, operation_id)
        references operations (tenant_id, id) on delete cascade,
    constraint operation_rows_status_known check (status in ('failed', 'mail_refused'))
);

-- The welcome mails of a block. The recipients are the block's users: nobody stores them twice.
create table mail_batches (
    tenant_id    uuid        not null,
    operation_id uuid        not null,
    block        integer     not null,
    first_row    integer     not null,
    last_row     integer     not null,
    done_through integer     not null,
    deferred     integer[]   not null default '{}',
    total        integer     not null,
    sent         integer     not null default 0,
    refused      integer     not null default 0,
    updated_at   timestamptz not null,
    constraint mail_batches_pkey primary key (tenant_id, operation_id, block),
    constraint mail_batches_operation foreign key (tenant_id, operation_id)
        references operations (tenant_id, id) on delete cascade
);
-- What the sweeper looks at: mails whose workflow may have been lost.
create index mail_batches_unfinished on mail_batches (updated_at)
    where done_through < last_row or deferred <> '{}';

-- Which operation an Idempotency-Key stands for. The digest is null while the request's body still comes in.
create table idempotency_keys (
    tenant_id    uuid        not null,
    key          text        not null,
    operation_id uuid        not null,
    digest       bytea,
    expires_at   timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, key),
    -- Deferred, because a key is claimed before its operation is made.
    constraint idempotency_keys_operation foreign key (tenant_id, operation_id)
        references operations (tenant_id, id) on delete cascade deferrable initially deferred
);
create index idempotency_keys_operation on idempotency_keys (tenant_id, operation_id);
create index idempotency_keys_expiry on idempotency_keys (expires_at);

do $$
declare
    t text;
begin
    foreach t in array array['operations', 'operation_blocks', 'operation_rows', 'mail_batches', 'idempotency_keys'] loop
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
