use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster_application::operations::Swept;
use muster_application::ports::{Delivery, MailKind, Tally};
use muster_domain::operations::{BlockOutcome, OperationKind, OperationState};
use muster_domain::webhooks::Answer;

use super::lock;

/// Counts as the real one does, under names that tests can write down.
#[derive(Debug, Clone, Default)]
pub struct MemoryTally(Arc<Mutex<BTreeMap<String, u64>>>);

impl MemoryTally {
    /// How often it was told so, for example `created users.import` or `ended users.import failed`.
    pub fn count(&self, what: &str) -> u64 {
        lock(&self.0).get(what).copied().unwrap_or_default()
    }

    fn add(&self, what: String, count: impl Into<u64>) {
        *lock(&self.0).entry(what).or_default() += count.into();
    }
}

impl Tally for MemoryTally {
    fn accepted(&self, kind: OperationKind) {
        self.add(format!("accepted {}", kind.name()), 1_u64);
    }

    fn block_done(&self, kind: OperationKind, rows: BlockOutcome, _took: Duration) {
        let BlockOutcome { created, changed, skipped, failed, exported } = rows;
        let rows = [("created", created), ("changed", changed), ("skipped", skipped), ("failed", failed)];
        for (result, count) in rows.into_iter().chain([("exported", exported), ("block", 1)]) {
            self.add(format!("{result} {}", kind.name()), count);
        }
    }

    fn ended(&self, kind: OperationKind, state: OperationState) {
        self.add(format!("ended {} {}", kind.name(), state.name()), 1_u64);
    }

    fn mailed(&self, kind: MailKind, delivery: Delivery) {
        self.add(format!("{} {delivery:?}", kind.name()), 1_u64);
    }

    fn webhook_tried(&self, answer: Answer) {
        self.add(format!("webhook {answer:?}"), 1_u64);
    }

    fn swept(&self, swept: &Swept, complete: bool) {
        self.add(format!("swept {}", if complete { "all" } else { "some" }), 1_u64);
        self.add("swept started".to_owned(), swept.started);
    }
}
