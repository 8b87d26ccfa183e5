-- The list of a tenant's operations, the latest first: all of them, or those in one state.
create index operations_latest on operations (tenant_id, created_at desc, id desc);
create index operations_latest_in_state on operations (tenant_id, state, created_at desc, id desc);
