use std::sync::Arc;

use async_trait::async_trait;
use muster_application::Context;
use muster_application::ports::{UnitOfWork, UnitOfWorkFactory};
use muster_domain::RepositoryError;
use muster_domain::mails::{MailRepository, WelcomeRepository};
use muster_domain::operations::{FileRepository, OperationRepository};
use muster_domain::partners::PartnerRepository;
use muster_domain::schedules::ScheduleRepository;
use muster_domain::tasks::{ReminderRepository, TaskRepository};
use muster_domain::users::{SearchIndexRepository, UserRepository};
use muster_domain::webhooks::WebhookRepository;
use opentelemetry::trace::FutureExt;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::error::repository_error;
use super::pool::usable;
use crate::cache::{Invalidate, NoCache, Touched};

/// Transactions of a pool.
#[derive(Clone)]
pub struct PgUnits {
    pool: PgPool,
    caches: Arc<dyn Invalidate>,
}

impl PgUnits {
    /// Units of work on this pool; after each commit `caches` hears what was written.
    pub fn new(pool: PgPool, caches: Arc<dyn Invalidate>) -> Self {
        Self { pool, caches }
    }
}

/// A transaction bound to a tenant: its repositories name the tenant in every statement, and row level security
/// stands behind them. Each repository trait is implemented in its own file, on this one struct.
pub(super) struct PgUnitOfWork {
    pub(super) tx: Transaction<'static, Postgres>,
    pub(super) tenant: Uuid,
    /// What was written, for the caches to forget once it is committed.
    pub(super) touched: Vec<Touched>,
    caches: Arc<dyn Invalidate>,
}

/// Begins a transaction that sees one tenant, for reading.
pub(super) async fn begin(pool: &PgPool, tenant: Uuid) -> Result<PgUnitOfWork, RepositoryError> {
    begin_with(pool, tenant, Arc::new(NoCache)).await
}

async fn begin_with(pool: &PgPool, tenant: Uuid, caches: Arc<dyn Invalidate>) -> Result<PgUnitOfWork, RepositoryError> {
    let tx = transaction(pool, tenant, "begin").await?;
    Ok(PgUnitOfWork { tx, tenant, touched: Vec::new(), caches })
}

/// Begins a transaction that sees one tenant; `kind` is the statement that begins it.
pub(super) async fn transaction(
    pool: &PgPool,
    tenant: Uuid,
    kind: &'static str,
) -> Result<Transaction<'static, Postgres>, RepositoryError> {
    // One round trip for both statements. A UUID prints as hex digits and dashes, so nothing can be injected.
    let statement = format!("{kind}; select set_config('app.tenant_id', '{tenant}', true)");
    let begun = usable(pool, || pool.begin_with(AssertSqlSafe(statement.clone()))).await;
    begun.map_err(repository_error)
}

#[async_trait]
impl UnitOfWorkFactory for PgUnits {
    async fn begin(&self, ctx: &Context) -> Result<Box<dyn UnitOfWork>, RepositoryError> {
        Ok(Box::new(begin_with(&self.pool, ctx.tenant.get(), Arc::clone(&self.caches)).await?))
    }
}

#[async_trait]
impl UnitOfWork for PgUnitOfWork {
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

    async fn commit(self: Box<Self>) -> Result<(), RepositoryError> {
        let Self { tx, touched, caches, .. } = *self;
        if touched.is_empty() {
            return tx.commit().await.map_err(repository_error);
        }
        // A task of its own: a client that goes away ends its handler wherever it is, and a commit of which the caches
        // do not hear would leave them behind.
        let done = async move {
            let committed = tx.commit().await.map_err(repository_error);
            // Also when the commit seems to have failed: it may have been done all the same.
            caches.invalidate(touched).await;
            committed
        }
        .with_current_context();
        let done = tokio::spawn(done);
        done.await.unwrap_or_else(|lost| Err(RepositoryError::Internal(lost.into())))
    }
}
