use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use muster_application::ports::{
    GatewayError, PutSchedule, StartOperation, StartPartnerEvent, StartScheduleRun, StartWebhook, StartWelcomes,
    Started, WorkflowGateway,
};
use muster_domain::{
    OperationId, PartnerEventId, ReminderBatchId, ScheduleId, TenantId, WebhookDeliveryId, WelcomeBatchId,
};

use super::lock;

/// An engine that only remembers what it was asked to start. Clones are the same engine.
#[derive(Debug, Clone, Default)]
pub struct MemoryGateway(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    down: bool,
    closed: HashSet<OperationId>,
    closed_mails: HashSet<OperationId>,
    imports: Vec<StartOperation>,
    wakes: Vec<StartOperation>,
    mails: Vec<StartOperation>,
    closed_welcomes: HashSet<WelcomeBatchId>,
    welcomes: Vec<StartWelcomes>,
    closed_reminders: HashSet<ReminderBatchId>,
    reminders: Vec<ReminderBatchId>,
    closed_webhooks: HashSet<WebhookDeliveryId>,
    webhooks: Vec<StartWebhook>,
    schedules: BTreeMap<ScheduleId, PutSchedule>,
    runs: Vec<StartScheduleRun>,
    closed_events: HashSet<PartnerEventId>,
    events: Vec<StartPartnerEvent>,
}

impl MemoryGateway {
    /// Stops answering, or answers again.
    pub fn set_down(&self, down: bool) {
        lock(&self.0).down = down;
    }

    /// From now on says that the workflow of this operation has run and is closed.
    pub fn close(&self, operation: OperationId) {
        lock(&self.0).closed.insert(operation);
    }

    /// From now on says that the workflow that sends this operation's mails has run and is closed.
    pub fn close_mails(&self, operation: OperationId) {
        lock(&self.0).closed_mails.insert(operation);
    }

    /// From now on says that the workflow of this batch of welcome mails has run and is closed.
    pub fn close_welcomes(&self, batch: WelcomeBatchId) {
        lock(&self.0).closed_welcomes.insert(batch);
    }

    /// From now on says that the workflow of this batch of reminders has run and is closed.
    pub fn close_reminders(&self, batch: ReminderBatchId) {
        lock(&self.0).closed_reminders.insert(batch);
    }

    /// From now on says that the workflow of this delivery has run and is closed.
    pub fn close_webhook(&self, delivery: WebhookDeliveryId) {
        lock(&self.0).closed_webhooks.insert(delivery);
    }

    /// The schedules that it has.
    pub fn schedules(&self) -> Vec<PutSchedule> {
        lock(&self.0).schedules.values().cloned().collect()
    }

    /// As [`Self::starts`], for runs of schedules.
    pub fn run_starts(&self) -> Vec<StartScheduleRun> {
        lock(&self.0).runs.clone()
    }

    /// From now on says that the workflow of this event of a partner has run and is closed.
    pub fn close_event(&self, event: PartnerEventId) {
        lock(&self.0).closed_events.insert(event);
    }

    /// As [`Self::starts`], for events of partners.
    pub fn event_starts(&self) -> Vec<StartPartnerEvent> {
        lock(&self.0).events.clone()
    }

    /// As [`Self::starts`], for deliveries to endpoints.
    pub fn webhook_starts(&self) -> Vec<StartWebhook> {
        lock(&self.0).webhooks.clone()
    }

    /// As [`Self::starts`], for batches of welcome mails.
    pub fn welcome_starts(&self) -> Vec<StartWelcomes> {
        lock(&self.0).welcomes.clone()
    }

    /// As [`Self::starts`], for batches of reminders.
    pub fn reminder_starts(&self) -> Vec<ReminderBatchId> {
        lock(&self.0).reminders.clone()
    }

    /// Every start of an import that was answered with [`Started::Running`], repeats included.
    pub fn starts(&self) -> Vec<StartOperation> {
        lock(&self.0).imports.clone()
    }

    /// As [`Self::starts`], for workflows that were told that their operation has moved.
    pub fn wakes(&self) -> Vec<StartOperation> {
        lock(&self.0).wakes.clone()
    }

    /// As [`Self::starts`], for the workflows that send mails.
    pub fn mail_starts(&self) -> Vec<StartOperation> {
        lock(&self.0).mails.clone()
    }
}

#[async_trait]
impl WorkflowGateway for MemoryGateway {
    async fn start_operation(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        let mut inner = lock(&self.0);
        let closed = inner.closed.contains(&start.operation);
        inner.answer(closed, start, |inner| &mut inner.imports)
    }

    async fn wake_operation(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        let mut inner = lock(&self.0);
        let closed = inner.closed.contains(&start.operation);
        let started = inner.answer(closed, start, |inner| &mut inner.imports)?;
        inner.wakes.push(*start);
        Ok(started)
    }

    async fn start_mails(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        let mut inner = lock(&self.0);
        let closed = inner.closed_mails.contains(&start.operation);
        inner.answer(closed, start, |inner| &mut inner.mails)
    }

    async fn start_welcomes(&self, start: &StartWelcomes) -> Result<Started, GatewayError> {
        let mut inner = lock(&self.0);
        let closed = inner.closed_welcomes.contains(&start.batch);
        inner.answer(closed, start, |inner| &mut inner.welcomes)
    }

    async fn start_reminders(&self, batch: ReminderBatchId) -> Result<Started, GatewayError> {
        let mut inner = lock(&self.0);
        let closed = inner.closed_reminders.contains(&batch);
        inner.answer(closed, &batch, |inner| &mut inner.reminders)
    }

    async fn start_webhook(&self, start: &StartWebhook) -> Result<Started, GatewayError> {
        let mut inner = lock(&self.0);
        let closed = inner.closed_webhooks.contains(&start.delivery);
        inner.answer(closed, start, |inner| &mut inner.webhooks)
    }

    async fn put_schedule(&self, put: &PutSchedule) -> Result<(), GatewayError> {
        let mut inner = lock(&self.0);
        inner.answers()?;
        let known = inner.schedules.get(&put.schedule);
        if known.is_none_or(|known| known.revision < put.revision) {
            inner.schedules.insert(put.schedule, put.clone());
        }
        Ok(())
    }

    async fn remove_schedule(&self, _: TenantId, schedule: ScheduleId) -> Result<(), GatewayError> {
        let mut inner = lock(&self.0);
        inner.answers()?;
        inner.schedules.remove(&schedule);
        Ok(())
    }

    async fn start_schedule_run(&self, start: &StartScheduleRun) -> Result<Started, GatewayError> {
        lock(&self.0).answer(false, start, |inner| &mut inner.runs)
    }

    async fn start_partner_event(&self, start: &StartPartnerEvent) -> Result<Started, GatewayError> {
        let mut inner = lock(&self.0);
        let closed = inner.closed_events.contains(&start.event);
        inner.answer(closed, start, |inner| &mut inner.events)
    }
}

impl Inner {
    fn answers(&self) -> Result<(), GatewayError> {
        if self.down { Err(GatewayError("the test has taken the engine down".into())) } else { Ok(()) }
    }

    fn answer<T: Copy>(
        &mut self,
        closed: bool,
        start: &T,
        record: impl Fn(&mut Self) -> &mut Vec<T>,
    ) -> Result<Started, GatewayError> {
        self.answers()?;
        if closed {
            return Ok(Started::Closed);
        }
        record(self).push(*start);
        Ok(Started::Running)
    }
}
