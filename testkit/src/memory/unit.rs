use async_trait::async_trait;
use muster_application::ports::UnitOfWork;
use muster_domain::mails::{MailRepository, WelcomeRepository};
use muster_domain::operations::{FileRepository, KeyOwner, OperationRepository};
use muster_domain::partners::PartnerRepository;
use muster_domain::schedules::ScheduleRepository;
use muster_domain::tasks::{ReminderRepository, TaskRepository};
use muster_domain::users::{SearchIndexRepository, UserRepository};
use muster_domain::webhooks::WebhookRepository;
use muster_domain::{OperationId, RepositoryError, TenantId};
use tokio::sync::OwnedMutexGuard;

use super::fault::{CommitFault, unavailable};
use super::{MemoryStore, TenantState};

/// A unit of work on a copy of one tenant's data; a commit puts the copy in place.
#[derive(Debug)]
pub struct MemoryUnit {
    store: MemoryStore,
    tenant: TenantId,
    draft: TenantState,
    moved: Vec<OperationId>,
    /// As in Postgres, nothing works any more after a failure.
    broken: bool,
    _serial: OwnedMutexGuard<()>,
}

impl MemoryUnit {
    pub(super) fn new(store: MemoryStore, tenant: TenantId, serial: OwnedMutexGuard<()>) -> Self {
        let draft = store.tenant(tenant);
        Self { store, tenant, draft, moved: Vec::new(), broken: false, _serial: serial }
    }

    pub(super) const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Notes that an operation has moved, for those who watch, once this is committed.
    pub(super) fn note_move(&mut self, operation: OperationId) {
        self.moved.push(operation);
    }

    /// Runs one statement.
    pub(super) fn statement<T>(
        &mut self,
        run: impl FnOnce(&mut TenantState) -> Result<T, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        if self.broken {
            return Err(defect("this unit of work has failed before"));
        }
        let result = self.store.fault().call().and_then(|()| run(&mut self.draft));
        self.broken = result.is_err();
        result
    }
}

#[async_trait]
impl UnitOfWork for MemoryUnit {
    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn operations(&mut self) -> &mut dyn OperationRepository {
        self
    }

    fn files(&mut self) -> &mut dyn FileRepository {
        self
    }

    fn mails(&mut self) -> &mut dyn MailRepository {
        self
    }

    fn welcomes(&mut self) -> &mut dyn WelcomeRepository {
        self
    }

    fn search_index(&mut self) -> &mut dyn SearchIndexRepository {
        self
    }

    fn webhooks(&mut self) -> &mut dyn WebhookRepository {
        self
    }

    fn schedules(&mut self) -> &mut dyn ScheduleRepository {
        self
    }

    fn partners(&mut self) -> &mut dyn PartnerRepository {
        self
    }

    fn tasks(&mut self) -> &mut dyn TaskRepository {
        self
    }

    fn reminders(&mut self) -> &mut dyn ReminderRepository {
        self
    }

    async fn commit(mut self: Box<Self>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            // The one foreign key that is checked only now.
            let whole = draft.keys.values().all(|key| match key.owner {
                KeyOwner::Operation(operation) => draft.operations.contains_key(&operation),
                KeyOwner::User(_) | KeyOwner::Task(_) => true,
            });
            if whole { Ok(()) } else { Err(defect("a key stands for an operation that does not exist")) }
        })?;
        let fault = self.store.fault().commit();
        if matches!(fault, CommitFault::Before) {
            return Err(unavailable());
        }
        self.store.replace(self.tenant, std::mem::take(&mut self.draft), std::mem::take(&mut self.moved));
        if matches!(fault, CommitFault::After) { Err(unavailable()) } else { Ok(()) }
    }
}

/// What only a defect of the caller can lead to.
pub(super) fn defect(what: &'static str) -> RepositoryError {
    RepositoryError::Internal(what.into())
}
