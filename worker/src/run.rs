use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use muster_activities::{
    ControlActivities, Draining, MailActivities, OperationActivities, PartnerActivities, ReminderActivities,
    ScheduleActivities, WebhookActivities,
};
use muster_application::App;
use muster_bootstrap::metrics::ActivityMetrics;
use muster_bootstrap::{SdkMetrics, Temporal, prepare_namespace, reseal_schedules};
use temporalio_sdk::interceptors::ActivityInboundInterceptor;
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker, WorkerOptions, WorkerRunError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::hand_back::HandBack;
use crate::measure::Measure;
use crate::{Queue, Settings, keep_panics_quiet};

/// Pause between attempts to reach a Temporal that is down.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Where the activities come from.
pub struct Activities {
    app: App,
    draining: Draining,
    metrics: ActivityMetrics,
    sdk_metrics: Option<SdkMetrics>,
}

impl Activities {
    /// Activities that call these use cases.
    pub fn new(app: App) -> Self {
        Self { app, draining: Draining::default(), metrics: ActivityMetrics::default(), sdk_metrics: None }
    }

    /// The same; what the SDK counts goes there.
    #[must_use]
    pub fn counted_by(self, sdk_metrics: Option<&SdkMetrics>) -> Self {
        Self { sdk_metrics: sdk_metrics.cloned(), ..self }
    }

    /// What is counted of them.
    pub const fn metrics(&self) -> &ActivityMetrics {
        &self.metrics
    }

    fn runtime_options(&self) -> anyhow::Result<RuntimeOptions> {
        let options = RuntimeOptions::builder();
        let telemetry = self.sdk_metrics.as_ref().map(SdkMetrics::telemetry);
        options.maybe_telemetry_options(telemetry).build().map_err(anyhow::Error::msg)
    }

    pub(crate) fn control(&self) -> ControlActivities {
        ControlActivities::new(self.app.clone())
    }

    pub(crate) fn imports(&self) -> OperationActivities {
        OperationActivities::new(self.app.clone(), self.draining.clone())
    }

    pub(crate) fn schedules(&self) -> ScheduleActivities {
        ScheduleActivities::new(self.app.clone())
    }

    pub(crate) fn partners(&self) -> PartnerActivities {
        PartnerActivities::new(self.app.clone())
    }

    pub(crate) fn mails(&self) -> MailActivities {
        MailActivities::new(self.app.clone(), self.draining.clone())
    }

    pub(crate) fn reminders(&self) -> ReminderActivities {
        ReminderActivities::new(self.app.clone(), self.draining.clone())
    }

    pub(crate) fn webhooks(&self) -> WebhookActivities {
        WebhookActivities::new(self.app.clone())
    }
}

/// For workers whose activities nobody intercepts: all but some tests.
pub enum NoInterceptor {}

impl ActivityInboundInterceptor for NoInterceptor {}

/// Serves task queues until `stop` completes, and then drains: polling stops at once, what runs may end, and what has not
/// ended in time is handed back. Waits for a Temporal that is not there yet, or went away; so does the drain, whose end is up
/// to the caller then.
///
/// # Errors
/// When a worker cannot be made.
pub async fn run<I>(
    temporal: &Temporal,
    namespace: &str,
    queues: &[Queue],
    settings: &Settings,
    activities: &Activities,
    intercept: impl Fn() -> Option<I>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()>
where
    I: ActivityInboundInterceptor,
{
    let runtime = Runtime::from_current_tokio(activities.runtime_options()?).context("the SDK did not start")?;
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = ready(temporal, namespace) => {}
            () = &mut stop => return Ok(()),
        }
        if queues.contains(&Queue::Control) {
            tokio::spawn(reseal(temporal.clone()));
        }
        let client = temporal.client().await?;
        let time_is_up = CancellationToken::new();
        let mut workers = Vec::new();
        for queue in queues {
            let mut options: WorkerOptions = queue.options(activities, settings)?;
            // Outermost, so that it sees what becomes of those that are handed back.
            options.activity_inbound_interceptor(Measure(activities.metrics.clone()));
            keep_panics_quiet(&mut options);
            options.activity_inbound_interceptor(HandBack { time_is_up: time_is_up.clone() });
            if let Some(interceptor) = intercept() {
                options.activity_inbound_interceptor(interceptor);
            }
            workers.push(Worker::new(&runtime, client.clone(), options).context("a worker could not be made")?);
        }
        let handles: Vec<_> = workers.iter().map(Worker::shutdown_handle).collect();
        let names: Vec<_> = queues.iter().map(|queue| queue.name()).collect();
        tracing::info!("serving {} as {}", names.join(", "), settings.release.name());
        let mut serving: FuturesUnordered<_> = workers.iter_mut().map(Worker::run).collect();
        let stopping = tokio::select! {
            () = &mut stop => true,
            ended = serving.next() => {
                tell(ended);
                false
            }
        };
        if stopping {
            tracing::info!("stopping: no new work is taken, what runs may end");
            activities.draining.begin();
        }
        // One task queue must not stay unserved: when a worker ends, the others end too, and all begin again.
        for shut_down in &handles {
            shut_down();
        }
        let ended = async {
            while let Some(ended) = serving.next().await {
                tell(Some(ended));
            }
        };
        let hand_back = async {
            sleep(settings.tuning.hand_back_after()).await;
            time_is_up.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = ended => {}
            () = hand_back => {}
        }
        if stopping {
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn tell(ended: Option<Result<(), WorkerRunError>>) {
    if let Some(Err(error)) = ended {
        tracing::warn!(error = &error as &dyn std::error::Error, "a worker ended");
    }
}

/// Waits until Temporal answers and has what we need.
async fn ready(temporal: &Temporal, namespace: &str) {
    let mut said = false;
    while let Err(error) = prepare_namespace(temporal, namespace).await {
        if !said {
            tracing::warn!(error = &error as &dyn std::error::Error, "waiting for Temporal (TEMPORAL_ADDRESS)");
            said = true;
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Brings what schedules were given to the key that encrypts now, so that a former one can be removed one day. Nothing waits
/// for it: until it is done the former key is there.
async fn reseal(temporal: Temporal) {
    match reseal_schedules(&temporal).await {
        Ok(0) => {}
        Ok(changed) => tracing::info!("{changed} schedules are encrypted with the first of MUSTER_CODEC_KEYS now"),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "some schedules are not encrypted with the first of MUSTER_CODEC_KEYS yet: the next worker that starts tries again"
        ),
    }
}
