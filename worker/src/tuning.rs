//! How much a worker takes on: slots, pollers and rates of its task queues, and how it ends.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use temporalio_sdk::runtime::PollerBehavior;
use temporalio_sdk::runtime::worker_tuner::{
    FixedSizeSlotSupplier, ResourceBasedController, ResourceBasedSlotOptions, ResourceBasedSlotsForType,
    ResourceBasedTunerOptions, SlotSupplier, TunerHolder,
};

use crate::Queue;
use crate::parse::Problems;

/// Steps of workflows at once: each takes a moment of a processor and holds nothing.
const WORKFLOW_SLOTS: usize = 100;
/// Those that a busy machine has all the same: what waits for a decision does not make it less busy.
const LEAST_WORKFLOW_SLOTS: usize = 10;
/// Most pollers of activities, unless told: each is a call that is always open.
const MOST_POLLERS: usize = 8;
/// The part of the time of grace that activities have.
const HAND_BACK: f64 = 0.8;
/// Pollers of workflows, unless told.
const WORKFLOW_POLLERS: usize = 10;

/// What `--help` says of it.
#[derive(Debug, Clone, Default, Args)]
pub struct TuningArguments {
    /// Activities of a queue that run at once, such as import=4,mail=8; with --tuner resources, the most. Otherwise import has
    /// one more than processors (3 to 8), control, small and mail 4, webhooks 64
    #[arg(long, env = "WORKER_SLOTS", value_name = "QUEUE=N,…")]
    slots: Option<String>,
    /// Calls of a queue that ask for work at once, such as control=20: so many for workflows and so many for activities.
    /// Otherwise 10 for workflows, and one for each slot up to 8 for activities
    #[arg(long, env = "WORKER_POLLERS", value_name = "QUEUE=N,…")]
    pollers: Option<String>,
    /// Most activities of a queue that this worker begins in a second, such as mail=50 or webhooks=0.5
    #[arg(long, env = "WORKER_RATES", value_name = "QUEUE=N,…")]
    rates: Option<String>,
    /// Most activities of a queue that all workers together begin in a second; Temporal counts. Give all workers of the queue
    /// the same: the last one to ask for work decides
    #[arg(long, env = "WORKER_QUEUE_RATES", value_name = "QUEUE=N,…")]
    queue_rates: Option<String>,
    /// How slots are handed out: fixed (the numbers above), or resources (as long as memory and processors of the machine or
    /// container are below their targets)
    #[arg(long, env = "WORKER_TUNER", value_name = "fixed|resources")]
    tuner: Option<String>,
    /// The share of memory up to which --tuner resources hands out slots, 0.8 unless told
    #[arg(long, env = "WORKER_TARGET_MEMORY", value_name = "SHARE")]
    target_memory: Option<String>,
    /// The share of processors up to which --tuner resources hands out slots, 0.9 unless told
    #[arg(long, env = "WORKER_TARGET_CPU", value_name = "SHARE")]
    target_cpu: Option<String>,
    /// Seconds that what runs may take to end when the worker is asked to end, 10 unless told
    #[arg(long, env = "WORKER_GRACE_SECONDS", value_name = "SECONDS")]
    grace_seconds: Option<String>,
}

/// How much a worker takes on. The default is what suits most.
#[derive(Debug, Clone)]
pub struct Tuning {
    slots: Vec<(Queue, usize)>,
    pollers: Vec<(Queue, usize)>,
    rates: Vec<(Queue, f64)>,
    queue_rates: Vec<(Queue, f64)>,
    /// Looks at the machine for all queues together; slots are fixed without it.
    resources: Option<ResourceBasedController>,
    grace: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        let nothing = Vec::new;
        let (rates, grace) = (Vec::new(), Duration::from_secs(10));
        Self { slots: nothing(), pollers: nothing(), queue_rates: rates.clone(), rates, resources: None, grace }
    }
}

impl Tuning {
    #[cfg(test)]
    fn read(arguments: &TuningArguments) -> anyhow::Result<Self> {
        let mut problems = Problems::default();
        let tuning = Self::of(arguments, &mut problems);
        problems.finish().map(|()| tuning)
    }

    pub(crate) fn of(arguments: &TuningArguments, problems: &mut Problems) -> Self {
        let (slots_are, pollers_are) = ("numbers of slots from 1 to 10000", "numbers of calls from 2 to 1000");
        let rates_are = "activities in a second above 0, up to 1000000";
        let target = "a share above 0, up to 1, such as 0.8";
        let memory = problems
            .within("WORKER_TARGET_MEMORY", arguments.target_memory.as_deref(), target, |share| is_share(*share));
        let cpu =
            problems.within("WORKER_TARGET_CPU", arguments.target_cpu.as_deref(), target, |share| is_share(*share));
        let by_resources =
            problems.choice("WORKER_TUNER", arguments.tuner.as_deref(), "fixed or resources", |text| match text {
                "fixed" => Some(false),
                "resources" => Some(true),
                _ => None,
            });
        let grace = "a number of seconds from 1 to 3600";
        let grace = problems
            .within("WORKER_GRACE_SECONDS", arguments.grace_seconds.as_deref(), grace, |n| (1..=3600).contains(n));
        let default = Self::default();
        Self {
            slots: problems
                .per_queue("WORKER_SLOTS", arguments.slots.as_deref(), slots_are, |n| (1..=10_000).contains(n)),
            pollers: problems
                .per_queue("WORKER_POLLERS", arguments.pollers.as_deref(), pollers_are, |n| (2..=1000).contains(n)),
            rates: problems.per_queue("WORKER_RATES", arguments.rates.as_deref(), rates_are, |n| is_rate(*n)),
            queue_rates: problems
                .per_queue("WORKER_QUEUE_RATES", arguments.queue_rates.as_deref(), rates_are, |n| is_rate(*n)),
            resources: by_resources.unwrap_or(false).then(|| {
                let targets = ResourceBasedTunerOptions::builder()
                    .target_memory_usage(memory.unwrap_or(0.8))
                    .target_cpu_usage(cpu.unwrap_or(0.9));
                ResourceBasedController::new(targets.build())
            }),
            grace: grace.map_or(default.grace, Duration::from_secs),
        }
    }

    /// How long a worker that is asked to end may take.
    pub const fn grace(&self) -> Duration {
        self.grace
    }

    /// When what still runs is handed back: what is left of the time is for telling Temporal of it.
    pub(crate) fn hand_back_after(&self) -> Duration {
        self.grace.mul_f64(HAND_BACK)
    }

    /// Activities at once: rows are bound by the database, mails by the outside. A webhook waits for an endpoint, 15 seconds
    /// at worst, and holds no database connection while it does: a few dead endpoints must not be in the way of all.
    pub(crate) fn activities(&self, queue: Queue) -> usize {
        of(&self.slots, queue).unwrap_or_else(|| match queue {
            // One more than there are processors: a block waits for the disk when it commits. More are done no sooner, and
            // everybody else waits behind them.
            Queue::Import => available_parallelism().map_or(2, NonZero::get).saturating_add(1).clamp(3, 8),
            Queue::Control | Queue::Small | Queue::Mail => 4,
            Queue::Webhooks => 64,
        })
    }

    pub(crate) fn workflow_pollers(&self, queue: Queue) -> PollerBehavior {
        PollerBehavior::SimpleMaximum(of(&self.pollers, queue).unwrap_or(WORKFLOW_POLLERS))
    }

    pub(crate) fn activity_pollers(&self, queue: Queue) -> PollerBehavior {
        let usual = || self.activities(queue).min(MOST_POLLERS);
        PollerBehavior::SimpleMaximum(of(&self.pollers, queue).unwrap_or_else(usual))
    }

    pub(crate) fn rate(&self, queue: Queue) -> Option<f64> {
        of(&self.rates, queue)
    }

    pub(crate) fn queue_rate(&self, queue: Queue) -> Option<f64> {
        of(&self.queue_rates, queue)
    }

    pub(crate) fn tuner(&self, queue: Queue) -> TunerHolder {
        let slots = |least: usize, most: usize| match &self.resources {
            None => SlotSupplier::from(FixedSizeSlotSupplier::new(most)),
            Some(controller) => {
                let bounds = ResourceBasedSlotOptions::builder().minimum_slots(least).maximum_slots(most).build();
                ResourceBasedSlotsForType::with_controller(controller.clone(), bounds).into()
            }
        };
        TunerHolder::builder()
            .workflow_task_slot_supplier(slots(LEAST_WORKFLOW_SLOTS, WORKFLOW_SLOTS))
            .activity_task_slot_supplier(slots(1, self.activities(queue)))
            .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(1))
            .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
            .build()
    }
}

fn of<T: Copy>(numbers: &[(Queue, T)], queue: Queue) -> Option<T> {
    numbers.iter().find(|(of, _)| *of == queue).map(|(_, number)| *number)
}

fn is_share(share: f64) -> bool {
    share > 0.0 && share <= 1.0
}

fn is_rate(rate: f64) -> bool {
    rate > 0.0 && rate <= 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as the arguments are")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn without_arguments_all_is_as_it_suits_most() {
        let empty = TuningArguments { slots: some(""), tuner: some(""), ..TuningArguments::default() };
        for arguments in [TuningArguments::default(), empty] {
            let tuning = Tuning::read(&arguments).unwrap();
            assert_eq!((tuning.activities(Queue::Mail), tuning.activities(Queue::Webhooks)), (4, 64));
            assert_eq!(tuning.workflow_pollers(Queue::Control), PollerBehavior::SimpleMaximum(10));
            assert_eq!(tuning.activity_pollers(Queue::Webhooks), PollerBehavior::SimpleMaximum(8));
            assert_eq!((tuning.rate(Queue::Mail), tuning.queue_rate(Queue::Mail)), (None, None));
            assert!(tuning.resources.is_none());
            assert_eq!(tuning.grace(), Duration::from_secs(10));
        }
    }

    #[test]
    fn each_queue_has_its_own_numbers() {
        let arguments = TuningArguments {
            slots: some("import=2, muster-mail=8"),
            pollers: some("control=20,mail=3"),
            rates: some("mail=0.5"),
            queue_rates: some("mail=200,webhooks=1e3"),
            tuner: some("resources"),
            target_memory: some("0.7"),
            grace_seconds: some("25"),
            ..TuningArguments::default()
        };
        let tuning = Tuning::read(&arguments).unwrap();
        assert_eq!([Queue::Import, Queue::Mail, Queue::Small].map(|queue| tuning.activities(queue)), [2, 8, 4]);
        assert_eq!(tuning.workflow_pollers(Queue::Control), PollerBehavior::SimpleMaximum(20));
        assert_eq!(tuning.activity_pollers(Queue::Mail), PollerBehavior::SimpleMaximum(3));
        assert_eq!(tuning.activity_pollers(Queue::Import), PollerBehavior::SimpleMaximum(2));
        assert_eq!((tuning.rate(Queue::Mail), tuning.queue_rate(Queue::Webhooks)), (Some(0.5), Some(1000.0)));
        assert!(tuning.resources.is_some());
        assert_eq!(tuning.grace(), Duration::from_secs(25));
    }

    #[test]
    fn every_wrong_value_is_named_at_once_with_what_would_be_right() {
        let arguments = TuningArguments {
            slots: some("import=0"),
            pollers: some("control=1"),
            rates: some("mail=inf"),
            queue_rates: some("post=5"),
            tuner: some("magic"),
            target_memory: some("80"),
            target_cpu: some("NaN"),
            grace_seconds: some("0"),
        };
        let error = Tuning::read(&arguments).unwrap_err().to_string();
        for (name, right) in [
            ("WORKER_SLOTS", "from 1 to 10000"),
            ("WORKER_POLLERS", "from 2 to 1000"),
            ("WORKER_RATES", "above 0"),
            ("WORKER_QUEUE_RATES", "control, import, small, mail, webhooks"),
            ("WORKER_TUNER", "fixed or resources"),
            ("WORKER_TARGET_MEMORY", "such as 0.8"),
            ("WORKER_TARGET_CPU", "such as 0.8"),
            ("WORKER_GRACE_SECONDS", "from 1 to 3600"),
        ] {
            let problem = error.split("; ").find(|problem| problem.contains(name));
            assert!(problem.is_some_and(|problem| problem.contains(right)), "{name}: {error}");
        }
        assert!(!error.contains("magic"), "values are not repeated: {error}");
    }

    #[test]
    fn a_queue_that_is_named_twice_has_no_number() {
        for twice in ["mail=1,mail=2", "mail=1,muster-mail=1", "mail=1,", "mail", "=1"] {
            let arguments = TuningArguments { slots: some(twice), ..TuningArguments::default() };
            assert!(Tuning::read(&arguments).is_err(), "{twice}");
        }
    }
}
