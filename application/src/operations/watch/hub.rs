//! One hub per process looks at all operations that are followed: with one question per tenant and second, and once more
//! for those that are told to have moved. It works only while somebody follows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use muster_domain::operations::Operation;
use muster_domain::{OperationId, TenantId};
use tokio::sync::Notify;
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::Sighting;
use crate::{App, AppError, ErrorCode, ErrorKind};

/// How often all are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How many tenants' operations are asked for at once.
const AT_ONCE: usize = 4;

/// What is known of an operation that is followed.
#[derive(Debug, Clone)]
pub(super) enum Glimpse {
    /// Nobody has looked yet.
    Unseen,
    /// What it was like.
    Seen(Arc<Sighting>),
    /// The tenant has no such operation.
    Gone,
    /// It could not be looked at, and never was.
    Failed,
}

/// Which operations to look at.
#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    /// Those that nobody has looked at.
    Unseen,
    One(OperationId),
}

/// Those who follow, of all tenants. Its keys are operation and tenant: who follows another tenant's finds nothing.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    followed: Mutex<Followed>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Followed {
    operations: HashMap<OperationId, BTreeMap<TenantId, Sender<Glimpse>>>,
    watchers: usize,
    /// Looks at them.
    task: Option<JoinHandle<()>>,
}

/// Begins to follow; the first one has somebody look at the operation.
pub(super) fn join(app: &App, tenant: TenantId, operation: OperationId) -> Result<Receiver<Glimpse>, AppError> {
    let mut followed = app.hub.lock();
    if followed.watchers >= app.settings.max_watchers {
        let message = "too many operations are being watched; ask for the operation instead, or try again later";
        return Err(AppError::new(ErrorKind::Unavailable, ErrorCode::ServiceUnavailable, message));
    }
    followed.watchers += 1;
    let new = || Sender::new(Glimpse::Unseen);
    let sender = followed.operations.entry(operation).or_default().entry(tenant).or_insert_with(new);
    if !matches!(*sender.borrow(), Glimpse::Seen(_)) {
        // What was not there, or could not be asked for, may be there now.
        sender.send_replace(Glimpse::Unseen);
        app.hub.news.notify_one();
    }
    let receiver = sender.subscribe();
    if followed.task.as_ref().is_none_or(JoinHandle::is_finished) {
        followed.task = Some(tokio::spawn(keep_looking(app.clone())));
    }
    Ok(receiver)
}

async fn keep_looking(app: App) {
    let mut notices = app.ports.watch.moves();
    let mut next = Instant::now() + EVERY;
    loop {
        let which = tokio::select! {
            () = app.hub.news.notified() => Which::Unseen,
            moved = notices.next() => moved.flatten().map_or(Which::All, Which::One),
            () = sleep_until(next) => {
                next = Instant::now() + EVERY;
                Which::All
            }
        };
        let Some(wanted) = app.hub.wanted(which) else { return };
        let look = |(tenant, ids)| look(&app, tenant, ids);
        stream::iter(wanted).for_each_concurrent(AT_ONCE, look).await;
    }
}

async fn look(app: &App, tenant: TenantId, ids: Vec<OperationId>) {
    match app.ports.operations.find_many(tenant, &ids).await {
        Ok(found) => app.hub.publish(tenant, &ids, found),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "operations that are watched cannot be looked at");
            app.hub.give_up(tenant, &ids);
        }
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends to follow; its receiver is gone by now.
    pub(super) fn leave(&self, tenant: TenantId, operation: OperationId) {
        let mut followed = self.lock();
        followed.watchers = followed.watchers.saturating_sub(1);
        let Some(tenants) = followed.operations.get_mut(&operation) else { return };
        if tenants.get(&tenant).is_some_and(|sender| sender.receiver_count() == 0) {
            tenants.remove(&tenant);
        }
        if tenants.is_empty() {
            followed.operations.remove(&operation);
        }
    }

    /// The operations to look at, by tenant; none when nobody follows any, and then nobody looks any more.
    fn wanted(&self, which: Which) -> Option<BTreeMap<TenantId, Vec<OperationId>>> {
        let mut followed = self.lock();
        if followed.operations.is_empty() {
            followed.task = None;
            return None;
        }
        let mut wanted = BTreeMap::<_, Vec<_>>::new();
        if let Which::One(id) = which {
            let tenants = followed.operations.get(&id).into_iter().flat_map(BTreeMap::keys);
            wanted.extend(tenants.map(|tenant| (*tenant, vec![id])));
            return Some(wanted);
        }
        for (id, tenants) in &followed.operations {
            for (tenant, sender) in tenants {
                if matches!(which, Which::All) || matches!(*sender.borrow(), Glimpse::Unseen) {
                    wanted.entry(*tenant).or_default().push(*id);
                }
            }
        }
        Some(wanted)
    }

    /// Tells those who follow what is different from what they know.
    fn publish(&self, tenant: TenantId, asked: &[OperationId], found: Vec<Operation>) {
        let mut found: HashMap<_, _> = found.into_iter().map(|operation| (operation.id, operation)).collect();
        let followed = self.lock();
        for id in asked {
            let Some(sender) = followed.operations.get(id).and_then(|tenants| tenants.get(&tenant)) else { continue };
            let found = found.remove(id);
            sender.send_if_modified(|glimpse| {
                match (&*glimpse, found) {
                    (Glimpse::Seen(known), Some(found)) if known.operation == found => return false,
                    (Glimpse::Gone, None) => return false,
                    (_, Some(found)) => *glimpse = Glimpse::Seen(Arc::new(Sighting::new(found))),
                    (_, None) => *glimpse = Glimpse::Gone,
                }
                true
            });
        }
    }

    /// Tells those who have not seen anything that they will not; the others wait on.
    fn give_up(&self, tenant: TenantId, asked: &[OperationId]) {
        let followed = self.lock();
        for id in asked {
            if let Some(sender) = followed.operations.get(id).and_then(|tenants| tenants.get(&tenant)) {
                sender.send_if_modified(|glimpse| {
                    let is_unseen = matches!(glimpse, Glimpse::Unseen);
                    if is_unseen {
                        *glimpse = Glimpse::Failed;
                    }
                    is_unseen
                });
            }
        }
    }
}
