-- Operations can be paused, by who asks for it or by their error budget, and go on.
alter table operations drop constraint operations_state_known;
alter table operations add constraint operations_state_known check (
    state in (
        'receiving', 'queued', 'running', 'paused', 'succeeded', 'partially_succeeded', 'failed', 'cancelled'
    )
) not valid;
alter table operations validate constraint operations_state_known;

-- `100`, or `0.5%` of all rows.
alter table operations add column max_errors text;
-- Failed rows that the budget does not count, because whoever resumed the operation has seen them.
alter table operations add column errors_accepted bigint not null default 0;
alter table operations add column pause_reason text;
alter table operations add column paused_at timestamptz;
alter table operations add constraint operations_pause check (
    (state = 'paused') = (paused_at is not null) and (paused_at is null) = (pause_reason is null)
) not valid;
alter table operations validate constraint operations_pause;
