use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::mails::{DueWelcomes, WelcomeReader, WelcomeRepository};
use muster_domain::users::User;
use muster_domain::{RepositoryError, UserId, WelcomeBatchId};

use super::{MemoryStore, MemoryUnit, StoredWelcome};

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl StoredWelcome {
    fn is_open_in(&self, batch: WelcomeBatchId) -> bool {
        self.batch == Some(batch) && self.refused.is_none()
    }
}

#[async_trait]
impl WelcomeRepository for MemoryUnit {
    async fn gather(&mut self, batch: WelcomeBatchId, limit: u32, now: DateTime<Utc>) -> Result<u32, RepositoryError> {
        self.statement(|draft| {
            let mut waiting: Vec<_> = draft.welcomes.values_mut().filter(|stored| stored.batch.is_none()).collect();
            waiting.sort_by_key(|stored| stored.queued_at);
            waiting.truncate(size(limit));
            for stored in &mut waiting {
                (stored.batch, stored.looked_at) = (Some(batch), Some(now));
            }
            Ok(u32::try_from(waiting.len()).unwrap_or(u32::MAX))
        })
    }

    async fn open(
        &mut self,
        batch: WelcomeBatchId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, RepositoryError> {
        self.statement(|draft| {
            let open = draft.welcomes.iter().filter(|(id, stored)| stored.is_open_in(batch) && Some(**id) > after);
            let users = open.filter_map(|(id, _)| draft.users.get(id).map(|user| User::clone(user)));
            Ok(users.take(size(limit)).collect())
        })
    }

    async fn sent(&mut self, batch: WelcomeBatchId, users: &[UserId]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            draft.welcomes.retain(|id, stored| stored.batch != Some(batch) || !users.contains(id));
            Ok(())
        })
    }

    async fn refused(
        &mut self,
        batch: WelcomeBatchId,
        users: &[UserId],
        code: &'static str,
        _: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for (id, stored) in &mut draft.welcomes {
                if stored.is_open_in(batch) && users.contains(id) {
                    stored.refused = Some(code);
                }
            }
            Ok(())
        })
    }

    async fn close(&mut self, batch: WelcomeBatchId) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let users = Arc::clone(&draft.users);
            draft.welcomes.retain(|id, stored| !stored.is_open_in(batch) || users.contains_key(id));
            Ok(())
        })
    }

    async fn touch(&mut self, batch: WelcomeBatchId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for stored in draft.welcomes.values_mut().filter(|stored| stored.is_open_in(batch)) {
                stored.looked_at = Some(now);
            }
            Ok(())
        })
    }
}

#[async_trait]
impl WelcomeReader for MemoryStore {
    async fn due_welcomes(
        &self,
        stalled_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueWelcomes>, RepositoryError> {
        self.fault().call()?;
        let (mut waiting, mut stalled) = (Vec::new(), Vec::new());
        for (tenant, state) in self.tenants() {
            if state.welcomes.values().any(|stored| stored.batch.is_none()) {
                waiting.push(DueWelcomes { tenant, batch: None });
            }
            let open = state.welcomes.values().filter(|stored| {
                stored.refused.is_none() && stored.looked_at.is_some_and(|looked_at| looked_at < stalled_before)
            });
            let mut batches: Vec<_> = open.filter_map(|stored| stored.batch).collect();
            batches.sort_unstable();
            batches.dedup();
            stalled.extend(batches.into_iter().map(|batch| DueWelcomes { tenant, batch: Some(batch) }));
        }
        waiting.truncate(size(limit));
        stalled.truncate(size(limit));
        waiting.extend(stalled);
        Ok(waiting)
    }
}
