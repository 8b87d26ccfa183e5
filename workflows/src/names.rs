//! Task queues, workflow ids and search attributes: the only place where they are spelt.

use temporalio_common::search_attributes::SearchAttributeKey;
use uuid::Uuid;

/// Operations and schedules: short decisions.
pub const CONTROL_QUEUE: &str = "muster-control";
/// Rows: heavy on the database.
pub const IMPORT_QUEUE: &str = "muster-import";
/// Rows of operations that have few of them: they do not wait for those that have many.
pub const SMALL_QUEUE: &str = "muster-small";
/// Mail: slow, waits for an outside server.
pub const MAIL_QUEUE: &str = "muster-mail";
/// Webhooks: slow, wait for servers of tenants.
pub const WEBHOOK_QUEUE: &str = "muster-webhooks";
/// Every task queue that a worker can serve.
pub const QUEUES: [&str; 5] = [CONTROL_QUEUE, IMPORT_QUEUE, SMALL_QUEUE, MAIL_QUEUE, WEBHOOK_QUEUE];

/// The schedule that looks after what crashes and outages leave behind.
pub const SWEEPER_SCHEDULE: &str = "muster-sweeper";
/// Workflow ids of its runs begin so.
pub const SWEEPER_WORKFLOW: &str = "sweep";

/// The schedule that looks after tasks of which somebody is to be reminded.
pub const REMINDERS_SCHEDULE: &str = "muster-reminders";
/// Workflow ids of its runs begin so.
pub const REMINDERS_WORKFLOW: &str = "due-reminders";

/// Whose work it is.
pub const TENANT: SearchAttributeKey<String> = SearchAttributeKey::keyword("MusterTenant");
/// Which operation it carries out.
pub const OPERATION: SearchAttributeKey<String> = SearchAttributeKey::keyword("MusterOperation");
/// What kind of operation that is.
pub const KIND: SearchAttributeKey<String> = SearchAttributeKey::keyword("MusterKind");
/// Where the operation is.
pub const STATE: SearchAttributeKey<String> = SearchAttributeKey::keyword("MusterState");
/// All of them, for registration with the server.
pub const SEARCH_ATTRIBUTES: [&str; 4] = ["MusterTenant", "MusterOperation", "MusterKind", "MusterState"];

/// Id of the workflow that carries out an operation: one per operation, ever.
pub fn operation_workflow(tenant: Uuid, operation: Uuid) -> String {
    format!("operation/{tenant}/{operation}")
}

/// Id of the workflow that sends an import's welcome mails.
pub fn mail_workflow(tenant: Uuid, operation: Uuid) -> String {
    format!("mail/{tenant}/{operation}")
}

/// Id of the workflow that sends a batch of welcome mails to users who were made one by one.
pub fn welcome_workflow(tenant: Uuid, batch: Uuid) -> String {
    format!("welcome/{tenant}/{batch}")
}

/// Id of the workflow that sends a batch of reminders of tasks, of several tenants.
pub fn reminder_workflow(batch: Uuid) -> String {
    format!("reminders/{batch}")
}

/// Id of the workflow that delivers an event to an endpoint: one per delivery, ever.
pub fn webhook_workflow(tenant: Uuid, delivery: Uuid) -> String {
    format!("webhook/{tenant}/{delivery}")
}

/// Id of the workflow that sees to what a partner has told: one per event, ever.
pub fn partner_event_workflow(tenant: Uuid, event: Uuid) -> String {
    format!("partner-event/{tenant}/{event}")
}

/// Id of a tenant's schedule at the server.
pub fn schedule(tenant: Uuid, schedule: Uuid) -> String {
    format!("schedule/{tenant}/{schedule}")
}

/// Whether a schedule at the server is one of ours, of a tenant or of all: a namespace may have others.
pub fn is_schedule(id: &str) -> bool {
    matches!(id, SWEEPER_SCHEDULE | REMINDERS_SCHEDULE) || id.starts_with("schedule/")
}

/// What ids of the runs of a schedule begin with: the server puts a dash and the time of the run behind it.
pub fn schedule_runs(tenant: Uuid, schedule: Uuid) -> String {
    format!("scheduled/{tenant}/{schedule}")
}

/// Id of the run of a schedule at `at`, a whole second in RFC 3339 and UTC; as the server makes it.
pub fn schedule_run(tenant: Uuid, schedule: Uuid, at: &str) -> String {
    format!("{}-{at}", schedule_runs(tenant, schedule))
}

/// The `at` of the id of a run; empty if it is not one of this schedule.
pub fn schedule_run_at(id: &str, tenant: Uuid, schedule: Uuid) -> &str {
    id.strip_prefix(&schedule_runs(tenant, schedule)).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default()
}

/// Id of a workflow that does nothing, by which the way to the workers is measured.
pub fn ping_workflow(id: Uuid) -> String {
    format!("ping/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_run_is_read_from_its_id() {
        let (tenant, schedule) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let at = "2026-11-25T03:00:00Z";
        assert_eq!(schedule_run_at(&schedule_run(tenant, schedule, at), tenant, schedule), at);
        assert_eq!(schedule_run_at(&schedule_run(tenant, tenant, at), tenant, schedule), "");
        assert_eq!(schedule_run_at("ping/1", tenant, schedule), "");
    }
}
