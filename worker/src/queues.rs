use std::time::Duration;

use muster_workflows::{
    DeliverWebhook, Ping, ProcessPartnerEvent, RunOperation, RunSchedule, SendDueReminders, SendReminders,
    SendWelcomeBatch, SendWelcomeMails, Sweep, names,
};
use temporalio_sdk::WorkerOptions;

use crate::{Activities, Settings};

/// A workflow task on the sticky queue of a worker that died goes to another one after this long.
const STICKY: Duration = Duration::from_secs(3);

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

    /// The same without the `muster-` in front.
    pub fn short_name(self) -> &'static str {
        self.name().strip_prefix("muster-").unwrap_or(self.name())
    }

    /// Reads a name, with or without the `muster-` in front.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name || queue.short_name() == name)
    }

    /// These, and the queue of small operations with that of all others: who asks for rows means both.
    pub fn with_small(mut queues: Vec<Self>) -> Vec<Self> {
        if queues.contains(&Self::Import) && !queues.contains(&Self::Small) {
            queues.push(Self::Small);
        }
        queues
    }

    pub(crate) fn options(self, activities: &Activities, settings: &Settings) -> anyhow::Result<WorkerOptions> {
        let Settings { tuning, release } = settings;
        let mut options = WorkerOptions::new(self.name())
            .deployment_options(release.options())
            .tuner(tuning.tuner(self))
            // Half of the pollers for new workflows: starts are what clients wait for.
            .workflow_task_poller_behavior(tuning.workflow_pollers(self))
            .nonsticky_to_sticky_poll_ratio(0.5)
            .activity_task_poller_behavior(tuning.activity_pollers(self))
            .maybe_max_worker_activities_per_second(tuning.rate(self))
            .maybe_max_task_queue_activities_per_second(tuning.queue_rate(self))
            .sticky_queue_schedule_to_start_timeout(STICKY)
            .graceful_shutdown_period(tuning.hand_back_after())
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
