//! What the use cases need from outside: each trait says what an implementer guarantees.

mod engine;
mod partners;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use muster_domain::mails::{MailRepository, WelcomeRepository};
use muster_domain::operations::{FileRepository, OperationRepository};
use muster_domain::partners::{PartnerRepository, PartnerSecret, PublicClientId};
use muster_domain::schedules::ScheduleRepository;
use muster_domain::tasks::{ReminderRepository, TaskRepository};
use muster_domain::users::{SearchIndexRepository, UserRepository};
use muster_domain::webhooks::{Answer, WebhookRepository, WebhookSecret, WebhookUrl};
use muster_domain::{
    EventId, Networks, OperationId, PartnerClientId, PartnerEventId, ReminderBatchId, ReminderMailId, RepositoryError,
    ScheduleId, TaskId, TenantId, UserId, WebhookDeliveryId, WebhookEndpointId, WebhookMessageId, WelcomeBatchId,
};

pub use self::engine::{
    GatewayError, PutSchedule, StartOperation, StartPartnerEvent, StartScheduleRun, StartWebhook, StartWelcomes,
    Started, WorkflowGateway,
};
pub use self::partners::{SealError, SecretOwner, SecretSealer, SignatureCache};
use crate::Context;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> DateTime<Utc>;
}

/// Makes ids that nobody has used, and secrets that nobody can guess.
pub trait IdSource: Send + Sync {
    /// A fresh id; ids made later sort later.
    fn operation_id(&self) -> OperationId;

    /// As `operation_id`, for a user who is not made by an import.
    fn user_id(&self) -> UserId;

    /// As `operation_id`, for a line of a user's history.
    fn event_id(&self) -> EventId;

    /// As `operation_id`, for welcome mails that go out together.
    fn welcome_batch_id(&self) -> WelcomeBatchId;

    /// As `operation_id`, for a place where a tenant is told of events.
    fn webhook_endpoint_id(&self) -> WebhookEndpointId;

    /// As `operation_id`, for a delivery that no event of the tenant causes.
    fn webhook_delivery_id(&self) -> WebhookDeliveryId;

    /// As `operation_id`, for what such a delivery tells.
    fn webhook_message_id(&self) -> WebhookMessageId;

    /// As `operation_id`, for a schedule.
    fn schedule_id(&self) -> ScheduleId;

    /// As `operation_id`, for a task that is not made by an import.
    fn task_id(&self) -> TaskId;

    /// As `operation_id`, for reminders that go out together.
    fn reminder_batch_id(&self) -> ReminderBatchId;

    /// As `operation_id`, for one of them.
    fn reminder_mail_id(&self) -> ReminderMailId;

    /// A secret from a source that is good enough for keys.
    fn webhook_secret(&self) -> WebhookSecret;

    /// As `operation_id`, for a partner of a tenant.
    fn partner_client_id(&self) -> PartnerClientId;

    /// As `operation_id`, for something that a partner tells.
    fn partner_event_id(&self) -> PartnerEventId;

    /// By what a partner names itself: nobody can guess it.
    fn partner_public_id(&self) -> PublicClientId;

    /// As `webhook_secret`, for a partner.
    fn partner_secret(&self) -> PartnerSecret;
}

/// Begins units of work.
#[async_trait]
pub trait UnitOfWorkFactory: Send + Sync {
    /// Begins a unit of work bound to the context's tenant: its repositories see that tenant's rows only.
    async fn begin(&self, ctx: &Context) -> Result<Box<dyn UnitOfWork>, RepositoryError>;
}

/// All or nothing: what its repositories did happens when it is committed; dropping it undoes everything.
#[async_trait]
pub trait UnitOfWork: Send {
    /// Users of the tenant.
    fn users(&mut self) -> &mut dyn UserRepository;
    /// Operations of the tenant.
    fn operations(&mut self) -> &mut dyn OperationRepository;
    /// Files that the tenant's operations write.
    fn files(&mut self) -> &mut dyn FileRepository;
    /// Mail batches of the tenant.
    fn mails(&mut self) -> &mut dyn MailRepository;
    /// Welcome mails of the tenant's users who were made one by one.
    fn welcomes(&mut self) -> &mut dyn WelcomeRepository;
    /// The index of searches over the tenant's users.
    fn search_index(&mut self) -> &mut dyn SearchIndexRepository;
    /// Where the tenant is told of events, and what.
    fn webhooks(&mut self) -> &mut dyn WebhookRepository;
    /// When work of the tenant begins by itself.
    fn schedules(&mut self) -> &mut dyn ScheduleRepository;
    /// Who acts for the tenant with signed requests, and what they tell.
    fn partners(&mut self) -> &mut dyn PartnerRepository;
    /// Tasks of the tenant.
    fn tasks(&mut self) -> &mut dyn TaskRepository;
    /// Mails about the tenant's tasks.
    fn reminders(&mut self) -> &mut dyn ReminderRepository;
    /// Makes everything durable, or nothing.
    async fn commit(self: Box<Self>) -> Result<(), RepositoryError>;
}

/// Tells which operations of any tenant have moved: have ended, or were paused or resumed.
pub trait OperationWatch: Send + Sync {
    /// What moves *after* this call, without end; none for some that were lost. A move may also be missed without a
    /// word: who waits looks again from time to time.
    fn moves(&self) -> BoxStream<'static, Option<OperationId>>;
}

/// A mail to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Address in normal form.
    pub to: String,
    /// Left part of the `Message-ID`; the same for each repeat of the same mail.
    pub message_key: String,
    /// Subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// What the mail server said to one mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It took the mail.
    Sent,
    /// It refused the mail for good (5xx).
    Refused,
    /// Not now (4xx).
    Deferred,
    /// No answer: whether it took the mail is unknown.
    Unreachable,
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands one mail over and reports the answer; never fails otherwise.
    async fn send(&self, mail: &Mail) -> Delivery;
}

/// One attempt to tell an endpoint something, in the form of Standard Webhooks 1.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// Where it goes.
    pub url: WebhookUrl,
    /// The header `webhook-id`.
    pub message: WebhookMessageId,
    /// The header `webhook-timestamp`: seconds since 1970, of this attempt.
    pub timestamp: i64,
    /// The header `webhook-signature`.
    pub signature: String,
    /// JSON, as it was signed.
    pub body: String,
}

/// What an endpoint said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The status, or why there is none.
    pub answer: Answer,
    /// The header `Retry-After` as it was given.
    pub retry_after: Option<String>,
}

/// Sends deliveries to where tenants want them.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Networks that are not of the public internet and may be sent to all the same.
    fn networks(&self) -> &Networks;

    /// Sends once and reports the answer; never fails otherwise, and takes 15 seconds at most. No connection is made but to
    /// addresses of the public internet and of `networks`, whatever the host's name leads to. Redirects are not followed,
    /// and what the endpoint says beyond status and `Retry-After` is thrown away.
    async fn send(&self, request: &WebhookRequest) -> WebhookAnswer;
}

/// Told now and then that a long use case is alive, so that the engine can tell slow from dead.
pub trait Heartbeat: Send + Sync {
    /// Whether the work is no longer wanted and should stop at the next safe point.
    fn is_cancelled(&self) -> bool;
}

/// How much of something a caller may do in a minute. All of it may come at once; it grows back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Tells it from other budgets of the same caller.
    pub name: &'static str,
    /// How many requests.
    pub per_minute: NonZeroU32,
}

/// Who is counted. Each combination has budgets of its own; an address of version 6 stands for its network of 64 bits,
/// because that is the least anybody is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Whose token it was; none for requests without a good one.
    pub tenant: Option<TenantId>,
    /// Where the request came from, where that is known.
    pub address: Option<IpAddr>,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// How long to wait until a request would be let in; none if this one is.
    pub refused_for: Option<Duration>,
    /// How many more would be let in at this moment.
    pub remaining: u32,
    /// How long until the whole budget is there again, if nothing more comes.
    pub whole_after: Duration,
}

/// Counts requests, for all processes together where that can be done.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts one request against a budget. One that is refused costs nothing. Never fails and never waits long:
    /// while processes cannot be asked together, each counts for itself.
    async fn count(&self, caller: &Caller, budget: Budget) -> Verdict;
}
