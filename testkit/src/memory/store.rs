use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use muster_application::Context;
use muster_application::ports::{UnitOfWork, UnitOfWorkFactory};
use muster_domain::{OperationId, RepositoryError, TenantId};
use tokio::sync::broadcast;

use super::fault::FaultSwitch;
use super::{Fault, MemoryUnit, MemoryWatch, TenantState, lock};

/// Moves that a slow watcher may fall behind before it is told to look for itself.
const MOVES: usize = 256;

/// Storage of all tenants. Clones are the same storage.
///
/// Units of work are serial: the next one begins when the one before is committed or dropped, so whoever begins a
/// second one while holding the first waits for ever.
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tenants: Mutex<BTreeMap<TenantId, TenantState>>,
    serial: Arc<tokio::sync::Mutex<()>>,
    fault: FaultSwitch,
    questions: AtomicU32,
    moves: broadcast::Sender<OperationId>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self(Arc::new(Inner {
            tenants: Mutex::default(),
            serial: Arc::default(),
            fault: FaultSwitch::default(),
            questions: AtomicU32::default(),
            moves: broadcast::Sender::new(MOVES),
        }))
    }
}

impl MemoryStore {
    /// All that is committed of a tenant.
    pub fn tenant(&self, tenant: TenantId) -> TenantState {
        lock(&self.0.tenants).get(&tenant).cloned().unwrap_or_default()
    }

    /// All that is committed, by tenant.
    pub fn tenants(&self) -> BTreeMap<TenantId, TenantState> {
        lock(&self.0.tenants).clone()
    }

    /// Breaks down once, at the given point; replaces an earlier fault that has not happened.
    pub fn fail_next(&self, fault: Fault) {
        self.0.fault.set(Some(fault));
    }

    /// Takes back a fault that has not happened; `false` if there is none, because it has.
    pub fn heal(&self) -> bool {
        self.0.fault.set(None).is_some()
    }

    /// Tells of the moves that are committed here.
    pub fn watch(&self) -> MemoryWatch {
        MemoryWatch::new(self.0.moves.clone())
    }

    /// How often many operations were read at once.
    pub fn questions(&self) -> u32 {
        self.0.questions.load(Ordering::Relaxed)
    }

    pub(super) fn note_question(&self) {
        self.0.questions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fault(&self) -> &FaultSwitch {
        &self.0.fault
    }

    pub(super) fn replace(&self, tenant: TenantId, state: TenantState, moved: Vec<OperationId>) {
        lock(&self.0.tenants).insert(tenant, state);
        for operation in moved {
            // Nobody may be listening.
            let _ = self.0.moves.send(operation);
        }
    }
}

#[async_trait]
impl UnitOfWorkFactory for MemoryStore {
    async fn begin(&self, ctx: &Context) -> Result<Box<dyn UnitOfWork>, RepositoryError> {
        self.0.fault.call()?;
        let serial = Arc::clone(&self.0.serial).lock_owned().await;
        Ok(Box::new(MemoryUnit::new(self.clone(), ctx.tenant, serial)))
    }
}
