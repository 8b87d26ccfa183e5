use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use muster_workflows::{
    DeliverWebhook, Ping, ProcessPartnerEvent, RunOperation, RunSchedule, SendDueReminders, SendReminders,
    SendWelcomeBatch, SendWelcomeMails, Sweep, names,
};
use temporalio_common::worker::WorkerDeploymentOptions;
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::runtime::PollerBehavior;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};

use crate::Activities;

/// Running activities may take this long to end when the worker is asked to.
const GRACE: Duration = Duration::from_secs(10);
/// A workflow task on the sticky queue of a worker that died goes to another one after this long.
const STICKY: Duration = Duration::from_secs(3);

/// Most pollers of activities: each is a call that is always open.
const MOST_POLLERS: usize = 8;

/// A task queue that a worker can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Operations and schedules.
    Control,
    /// Rows.
    Import,
    /// Rows of operations that have few.
    Small,
    /// Mail.
    Mail,
    /// Webhooks.
    Webhooks,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Control, Self::Import, Self::Small, Self::Mail, Self::Webhooks];

    /// Its name at the server.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => names::CONTROL_QUEUE,
            Self::Import => names::IMPORT_QUEUE,
            Self::Small => names::SMALL_QUEUE,
            Self::Mail => names::MAIL_QUEUE,
            Self::Webhooks => names::WEBHOOK_QUEUE,
        }
    }

    /// Reads a name, with or without the `muster-` in front.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name || queue.name().strip_prefix("muster-") == Some(name))
    }

    /// These, and the queue of small operations with that of all others: who asks for rows means both.
    pub fn with_small(mut queues: Vec<Self>) -> Vec<Self> {
        if queues.contains(&Self::Import) && !queues.contains(&Self::Small) {
            queues.push(Self::Small);
        }
        queues
    }

    /// Activities at once: rows are bound by the database, mails by the outside. A webhook waits for an endpoint, 15 seconds
    /// at worst, and holds no database connection while it does: a few dead endpoints must not be in the way of all.
    fn activities(self) -> usize {
        match self {
            // One more than there are processors: a block waits for the disk when it commits. More are done no sooner, and
            // everybody else waits behind them.
            Self::Import => available_parallelism().map_or(2, NonZero::get).saturating_add(1).clamp(3, 8),
            Self::Control | Self::Small | Self::Mail => 4,
            Self::Webhooks => 64,
        }
    }

    pub(crate) fn options(self, activities: &Activities) -> anyhow::Result<WorkerOptions> {
        let fixed = FixedSizeSlotSupplier::new;
        let tuner = TunerHolder::builder()
            .workflow_task_slot_supplier(fixed(100))
            .activity_task_slot_supplier(fixed(self.activities()))
            .local_activity_task_slot_supplier(fixed(1))
            .nexus_task_slot_supplier(fixed(1))
            .build();
        let mut options = WorkerOptions::new(self.name())
            .deployment_options(WorkerDeploymentOptions::from_build_id(format!("muster-{}", env!("CARGO_PKG_VERSION"))))
            .tuner(tuner)
            // Half of the pollers for new workflows: starts are what clients wait for.
            .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(10))
            .nonsticky_to_sticky_poll_ratio(0.5)
            .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(self.activities().min(MOST_POLLERS)))
            .sticky_queue_schedule_to_start_timeout(STICKY)
            .graceful_shutdown_period(GRACE)
            .build();
        match self {
            Self::Control => {
                options.register_workflow::<RunOperation>()?;
                options.register_workflow::<RunSchedule>()?;
                options.register_workflow::<ProcessPartnerEvent>()?;
                options.register_workflow::<Sweep>()?;
                options.register_workflow::<SendDueReminders>()?;
                options.register_workflow::<Ping>()?;
                options.register_activities(activities.control());
                options.register_activities(activities.reminders());
            }
            Self::Import | Self::Small => {
                options.register_activities(activities.imports());
                options.register_activities(activities.schedules());
                options.register_activities(activities.partners());
            }
            Self::Mail => {
                options.register_workflow::<SendWelcomeMails>()?;
                options.register_workflow::<SendWelcomeBatch>()?;
                options.register_workflow::<SendReminders>()?;
                options.register_activities(activities.mails());
                options.register_activities(activities.reminders());
            }
            Self::Webhooks => {
                options.register_workflow::<DeliverWebhook>()?;
                options.register_activities(activities.webhooks());
            }
        }
        Ok(options)
    }
}
