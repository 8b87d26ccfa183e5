use std::time::{Duration, SystemTime};

use muster_application::operations::Swept;
use muster_application::ports::{Delivery, MailKind, Tally};
use muster_domain::operations::{BlockOutcome, OperationKind, OperationState};
use muster_domain::webhooks::Answer;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper ends of the buckets of blocks, in seconds: from one row to 10 000 that wait for a busy disk.
const BLOCKS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
const DELIVERIES: [Delivery; 4] = [Delivery::Sent, Delivery::Refused, Delivery::Deferred, Delivery::Unreachable];
const TRIED: [&str; 3] = ["delivered", "refused", "unreachable"];
const SWEPT: [&str; 2] = ["completed", "failed"];

/// What this process has done. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    accepted: Family<Kind, Counter>,
    ended: Family<Ended, Counter>,
    rows: Family<Rows, Counter>,
    blocks: Family<Kind, Histogram, fn() -> Histogram>,
    mails: Family<Mails, Counter>,
    webhooks: Family<Done, Counter>,
    sweeps: Family<Done, Counter>,
    swept: Family<Found, Counter>,
    /// Empty before the first one.
    swept_at: Family<[(&'static str, &'static str); 0], Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    kind: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Rows {
    kind: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Mails {
    kind: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Done {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Found {
    what: &'static str,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            accepted: Family::default(),
            ended: Family::default(),
            rows: Family::default(),
            blocks: Family::new_with_constructor(|| Histogram::new(BLOCKS)),
            mails: Family::default(),
            webhooks: Family::default(),
            sweeps: Family::default(),
            swept: Family::default(),
            swept_at: Family::default(),
        }
    }
}

impl Work {
    /// Makes them part of what any process can be asked for.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Operations that were stored and whose workflow was asked for; a repeat of a request does not count";
        registry.register("muster_operations_accepted", help, self.accepted.clone());
        let help = "Operations that reached a final state, each once";
        registry.register("muster_operations_ended", help, self.ended.clone());
    }

    /// Makes what only workers do part of it too. What is rare is there from the beginning: a rate needs a value to begin
    /// from.
    pub(super) fn register_worker(&self, registry: &mut Registry) {
        for kind in MailKind::ALL {
            for delivery in DELIVERIES {
                drop(self.mails.get_or_create(&Mails { kind: kind.name(), result: answered(delivery) }));
            }
        }
        for result in TRIED {
            drop(self.webhooks.get_or_create(&Done { result }));
        }
        for result in SWEPT {
            drop(self.sweeps.get_or_create(&Done { result }));
        }
        self.count_swept(&Swept::default());
        let help = "Rows of operations by what became of them; counted from the ledger after the commit, so each once \
                    however often its block is tried";
        registry.register("muster_rows", help, self.rows.clone());
        let help = "Seconds from the lock to the commit of a block; each block once";
        registry.register("muster_block_duration_seconds", help, self.blocks.clone());
        let help = "Answers of the mail server to mails; one that is tried again counts again";
        registry.register("muster_mails", help, self.mails.clone());
        let help = "Attempts at deliveries of webhooks by what endpoints answered; each attempt counts";
        registry.register("muster_webhook_attempts", help, self.webhooks.clone());
        let help = "Sweeps, by whether they saw to everything that they found";
        registry.register("muster_sweeps", help, self.sweeps.clone());
        let help = "What sweeps found left behind and saw to";
        registry.register("muster_swept", help, self.swept.clone());
        let help = "When a sweep of this process saw to everything, in seconds since 1970; none before the first";
        registry.register("muster_sweep_success_timestamp_seconds", help, self.swept_at.clone());
    }

    fn count_swept(&self, swept: &Swept) {
        let Swept { started, failed, discarded, forgotten, uploads, results, files, schedules, .. } = *swept;
        for (what, count) in [
            ("workflow_lost", started),
            ("workflow_ended", failed),
            ("upload_abandoned", discarded),
            ("upload_expired", uploads),
            ("result_expired", results),
            ("file_expired", files),
            ("schedule_untold", schedules),
            ("partner_event", swept.partner_events),
            ("partner_expired", swept.partner_lines),
        ] {
            self.swept.get_or_create(&Found { what }).inc_by(count.into());
        }
        self.swept.get_or_create(&Found { what: "key_expired" }).inc_by(forgotten);
    }
}

impl Tally for Work {
    fn accepted(&self, kind: OperationKind) {
        self.accepted.get_or_create(&Kind { kind: kind.name() }).inc();
    }

    fn block_done(&self, kind: OperationKind, rows: BlockOutcome, took: Duration) {
        let kind = kind.name();
        self.blocks.get_or_create(&Kind { kind }).observe(took.as_secs_f64());
        let BlockOutcome { created, changed, skipped, failed, exported } = rows;
        let rows = [("created", created), ("changed", changed), ("skipped", skipped), ("failed", failed)];
        for (result, count) in rows.into_iter().chain([("exported", exported)]).filter(|(_, count)| *count > 0) {
            self.rows.get_or_create(&Rows { kind, result }).inc_by(count.into());
        }
    }

    fn ended(&self, kind: OperationKind, state: OperationState) {
        self.ended.get_or_create(&Ended { kind: kind.name(), state: state.name() }).inc();
    }

    fn mailed(&self, kind: MailKind, delivery: Delivery) {
        self.mails.get_or_create(&Mails { kind: kind.name(), result: answered(delivery) }).inc();
    }

    fn webhook_tried(&self, answer: Answer) {
        let [delivered, refused, unreachable] = TRIED;
        let result = match answer {
            Ok(200..=299) => delivered,
            Ok(_) => refused,
            Err(_) => unreachable,
        };
        self.webhooks.get_or_create(&Done { result }).inc();
    }

    fn swept(&self, swept: &Swept, complete: bool) {
        self.count_swept(swept);
        let [completed, failed] = SWEPT;
        self.sweeps.get_or_create(&Done { result: if complete { completed } else { failed } }).inc();
        if complete {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
            self.swept_at.get_or_create(&[]).set(i64::try_from(now).unwrap_or(i64::MAX));
        }
    }
}

const fn answered(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Sent => "sent",
        Delivery::Refused => "refused",
        Delivery::Deferred => "deferred",
        Delivery::Unreachable => "unreachable",
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_text;

    use super::*;

    fn text(work: &Work) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        work.register(&mut registry);
        work.register_worker(&mut registry);
        prometheus_text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn what_was_done_is_what_is_scraped() {
        let work = Work::default();
        let before = text(&work);
        for line in [
            "muster_mails_total{kind=\"reminder\",result=\"deferred\"} 0",
            "muster_webhook_attempts_total{result=\"refused\"} 0",
            "muster_swept_total{what=\"workflow_lost\"} 0",
            "muster_sweeps_total{result=\"failed\"} 0",
        ] {
            assert!(before.lines().any(|found| found == line), "{line} is not in\n{before}");
        }
        assert!(!before.contains("muster_sweep_success_timestamp_seconds"), "no sweep has been: {before}");

        let kind = OperationKind::UsersImport;
        let outcome = BlockOutcome { created: 7, failed: 2, ..BlockOutcome::default() };
        work.block_done(kind, outcome, Duration::from_millis(20));
        work.block_done(kind, outcome, Duration::from_millis(30));
        work.ended(kind, OperationState::PartiallySucceeded);
        work.accepted(kind);
        work.mailed(MailKind::Welcome, Delivery::Sent);
        for answer in [Ok(204), Ok(410), Ok(503), Err(muster_domain::webhooks::DeliveryError::TimedOut)] {
            work.webhook_tried(answer);
        }
        work.swept(&Swept { started: 3, ..Swept::default() }, false);
        assert!(!text(&work).contains("muster_sweep_success_timestamp_seconds"), "it did not see to everything");
        work.swept(&Swept::default(), true);
        let after = text(&work);
        for line in [
            "muster_rows_total{kind=\"users.import\",result=\"created\"} 14",
            "muster_rows_total{kind=\"users.import\",result=\"failed\"} 4",
            "muster_block_duration_seconds_count{kind=\"users.import\"} 2",
            "muster_operations_ended_total{kind=\"users.import\",state=\"partially_succeeded\"} 1",
            "muster_operations_accepted_total{kind=\"users.import\"} 1",
            "muster_mails_total{kind=\"welcome\",result=\"sent\"} 1",
            "muster_webhook_attempts_total{result=\"delivered\"} 1",
            "muster_webhook_attempts_total{result=\"refused\"} 2",
            "muster_webhook_attempts_total{result=\"unreachable\"} 1",
            "muster_swept_total{what=\"workflow_lost\"} 3",
            "muster_sweeps_total{result=\"failed\"} 1",
            "muster_sweeps_total{result=\"completed\"} 1",
        ] {
            assert!(after.lines().any(|found| found == line), "{line} is not in\n{after}");
        }
        assert!(after.contains("\nmuster_sweep_success_timestamp_seconds "), "{after}");
        assert!(!after.contains("result=\"skipped\""), "nothing was skipped: {after}");
    }
}
