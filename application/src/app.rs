use std::sync::Arc;

use chrono::TimeDelta;
use muster_domain::mails::WelcomeReader;
use muster_domain::operations::OperationReader;
use muster_domain::partners::PartnerReader;
use muster_domain::schedules::ScheduleReader;
use muster_domain::tasks::{ReminderReader, TaskReader};
use muster_domain::users::{EmailPolicy, SearchIndexReader, UserList, UserMaker, UserReader};
use muster_domain::webhooks::WebhookReader;

use crate::operations::Hub;
use crate::ports::{
    Clock, IdSource, Mailer, OperationWatch, SecretSealer, SignatureCache, Tally, UnitOfWork, UnitOfWorkFactory,
    WebhookSender, WorkflowGateway,
};
use crate::{AppError, Context};

/// Everything the use cases reach.
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdSource>,
    /// Transactions.
    pub units: Arc<dyn UnitOfWorkFactory>,
    /// Makes single users.
    pub user_maker: Arc<dyn UserMaker>,
    /// Users by what they are known by, read outside transactions, perhaps from a cache.
    pub users: Arc<dyn UserReader>,
    /// Lists of users, read outside transactions.
    pub user_list: Arc<dyn UserList>,
    /// Users who wait to be indexed, read outside transactions.
    pub search_index: Arc<dyn SearchIndexReader>,
    /// Welcome mails that wait, read outside transactions.
    pub welcomes: Arc<dyn WelcomeReader>,
    /// Deliveries that wait, read outside transactions.
    pub webhooks: Arc<dyn WebhookReader>,
    /// Schedules of which the engine has not heard, read outside transactions.
    pub schedules: Arc<dyn ScheduleReader>,
    /// Partners of any tenant and what waits of them, read outside transactions.
    pub partners: Arc<dyn PartnerReader>,
    /// Tasks, read outside transactions.
    pub tasks: Arc<dyn TaskReader>,
    /// Reminders that are due, read outside transactions.
    pub reminders: Arc<dyn ReminderReader>,
    /// Operations, read outside transactions.
    pub operations: Arc<dyn OperationReader>,
    /// The durable engine.
    pub workflows: Arc<dyn WorkflowGateway>,
    /// Moves of operations.
    pub watch: Arc<dyn OperationWatch>,
    /// Mail.
    pub mailer: Arc<dyn Mailer>,
    /// Endpoints of tenants.
    pub webhook_sender: Arc<dyn WebhookSender>,
    /// Secrets of partners; none where there is no key for them, and so no partner API.
    pub sealer: Option<Arc<dyn SecretSealer>>,
    /// Signatures of partners that were accepted a moment ago.
    pub signatures: Arc<dyn SignatureCache>,
    /// Counts what happens.
    pub tally: Arc<dyn Tally>,
}

/// Choices of the deployment.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Which e-mail addresses are welcome.
    pub email_policy: EmailPolicy,
    /// Most rows of a JSON upload, and of any upload that is all or nothing: one block.
    pub max_json_rows: u32,
    /// Most rows of an NDJSON or CSV upload.
    pub max_rows: u32,
    /// How long an idempotency key is remembered.
    pub key_lifetime: TimeDelta,
    /// How long an operation may stand still before the sweeper looks at its workflow.
    pub stalled_after: TimeDelta,
    /// How long an upload may stand still before the sweeper removes it.
    pub abandoned_after: TimeDelta,
    /// Mails in flight at once, within one group.
    pub mail_concurrency: usize,
    /// Most who follow operations at once, in this process.
    pub max_watchers: usize,
    /// What one tenant may have done.
    pub tenant_limits: TenantLimits,
    /// How long the rows of an upload are kept after the end of its operation.
    pub upload_keep: TimeDelta,
    /// How long an operation, with what became of its rows, is kept after its end.
    pub result_keep: TimeDelta,
    /// How long the file of an export is kept.
    pub export_keep: TimeDelta,
}

/// What one tenant may have done. Undoing is always allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TenantLimits {
    /// Rows that they send within 24 hours; none is any number.
    pub rows_a_day: Option<u64>,
    /// Operations that have not ended; none is any number.
    pub operations: Option<u32>,
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) ports: Arc<Ports>,
    pub(crate) settings: Settings,
    pub(crate) hub: Arc<Hub>,
}

impl App {
    /// Wires the use cases to their ports.
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self { ports: Arc::new(ports), settings, hub: Arc::default() }
    }

    /// The choices of the deployment.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) async fn begin(&self, ctx: &Context) -> Result<Box<dyn UnitOfWork>, AppError> {
        Ok(self.ports.units.begin(ctx).await?)
    }
}
