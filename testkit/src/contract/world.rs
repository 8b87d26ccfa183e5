use muster_application::ports::UnitOfWorkFactory;
use muster_domain::mails::WelcomeReader;
use muster_domain::operations::OperationReader;
use muster_domain::partners::PartnerReader;
use muster_domain::schedules::ScheduleReader;
use muster_domain::tasks::{ReminderReader, TaskReader};
use muster_domain::users::{SearchIndexReader, UserList, UserMaker, UserReader};
use muster_domain::webhooks::WebhookReader;

/// A storage that is to keep the contract. It may hold other data; each case uses tenants of its own, and at most
/// eight units of work at once.
pub trait World: Send + Sync {
    /// Its units of work.
    fn units(&self) -> &dyn UnitOfWorkFactory;
    /// Its reader of operations.
    fn operations(&self) -> &dyn OperationReader;
    /// What makes its single users.
    fn user_maker(&self) -> &dyn UserMaker;
    /// Its reader of users.
    fn users(&self) -> &dyn UserReader;
    /// Its lists of users.
    fn user_list(&self) -> &dyn UserList;
    /// Its reader of users who wait to be indexed.
    fn search_index(&self) -> &dyn SearchIndexReader;
    /// Its reader of welcome mails.
    fn welcomes(&self) -> &dyn WelcomeReader;
    /// Its reader of deliveries.
    fn webhooks(&self) -> &dyn WebhookReader;
    /// Its reader of schedules.
    fn schedules(&self) -> &dyn ScheduleReader;
    /// Its reader of partners.
    fn partners(&self) -> &dyn PartnerReader;
    /// Its reader of tasks.
    fn tasks(&self) -> &dyn TaskReader;
    /// Its reader of reminders.
    fn reminders(&self) -> &dyn ReminderReader;
}
