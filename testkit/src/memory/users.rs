use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_application::Context;
use muster_application::ports::UnitOfWorkFactory;
use muster_domain::users::{BlockEvent, NewUser, StoredUser, TakenBy, User, UserEvent, UserMaker, UserRepository};
use muster_domain::{RepositoryError, TenantId, UserId};

use super::{MemoryStore, MemoryUnit};

#[async_trait]
impl UserRepository for MemoryUnit {
    async fn insert_free(
        &mut self,
        users: &[(UserId, NewUser)],
        now: DateTime<Utc>,
    ) -> Result<Vec<UserId>, RepositoryError> {
        self.statement(|draft| {
            let table = Arc::make_mut(&mut draft.users);
            let emails = Arc::make_mut(&mut draft.emails);
            let usernames = Arc::make_mut(&mut draft.usernames);
            let unindexed = Arc::make_mut(&mut draft.unindexed);
            let mut lost = Vec::new();
            for (id, new) in users {
                let folded = new.username.folded();
                let taken = emails.contains_key(new.email.as_str()) || usernames.contains_key(&folded);
                if taken || table.contains_key(id) || draft.deleted.contains_key(id) {
                    lost.push(*id);
                    continue;
                }
                emails.insert(new.email.as_str().to_owned(), *id);
                usernames.insert(folded, *id);
                unindexed.insert(*id);
                table.insert(*id, Arc::new(User::new(*id, new.clone(), now)));
            }
            Ok(lost)
        })
    }

    async fn insert(&mut self, user: &User, event: &UserEvent, welcome: bool) -> Result<bool, RepositoryError> {
        self.statement(|draft| Ok(draft.insert_one(user, event, welcome)))
    }

    async fn lock(&mut self, id: UserId) -> Result<Option<StoredUser>, RepositoryError> {
        self.statement(|draft| Ok(draft.any_user(id)))
    }

    async fn store(&mut self, user: &StoredUser, event: &UserEvent) -> Result<(), RepositoryError> {
        self.statement(|draft| draft.store_one(user, event))
    }

    async fn lock_all(&mut self, ids: &[UserId]) -> Result<Vec<StoredUser>, RepositoryError> {
        self.statement(|draft| {
            let ids: BTreeSet<_> = ids.iter().copied().collect();
            Ok(ids.into_iter().filter_map(|id| draft.any_user(id)).collect())
        })
    }

    async fn store_all(&mut self, users: &[(StoredUser, UserEvent)]) -> Result<(), RepositoryError> {
        self.statement(|draft| users.iter().try_for_each(|(stored, event)| draft.store_quietly(stored, event)))
    }

    async fn note_all(&mut self, events: &[UserEvent]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            draft.events.extend_from_slice(events);
            Ok(())
        })
    }

    async fn remove_all(&mut self, ids: &[UserId]) -> Result<u64, RepositoryError> {
        self.statement(|draft| {
            let removed = ids.iter().filter(|id| draft.remove_quietly(**id)).count();
            Ok(u64::try_from(removed).unwrap_or(u64::MAX))
        })
    }

    async fn remove(&mut self, id: UserId, now: DateTime<Utc>) -> Result<bool, RepositoryError> {
        self.statement(|draft| Ok(draft.remove_one(id, now)))
    }

    async fn record_block(&mut self, event: &BlockEvent) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            draft.block_events.push(event.clone());
            Ok(())
        })
    }

    async fn holders(&mut self, emails: &[&str], usernames: &[String]) -> Result<Vec<TakenBy>, RepositoryError> {
        self.statement(|draft| {
            let by_email = emails.iter().filter_map(|email| draft.emails.get(*email));
            let by_username = usernames.iter().filter_map(|username| draft.usernames.get(username));
            let mut ids: Vec<_> = by_email.chain(by_username).copied().collect();
            ids.sort_unstable();
            ids.dedup();
            let users = ids.iter().filter_map(|id| draft.users.get(id));
            let taken = users.map(|user| TakenBy {
                id: user.id,
                email: user.email.as_str().to_owned(),
                username: user.username.folded(),
            });
            Ok(taken.collect())
        })
    }

    async fn range(&mut self, first: UserId, last: UserId, limit: u32) -> Result<Vec<User>, RepositoryError> {
        self.statement(|draft| {
            if first > last {
                return Ok(Vec::new());
            }
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Ok(draft.users.range(first..=last).take(limit).map(|(_, user)| User::clone(user)).collect())
        })
    }
}

#[async_trait]
impl UserMaker for MemoryStore {
    async fn make(
        &self,
        tenant: TenantId,
        user: &User,
        event: &UserEvent,
        welcome: bool,
    ) -> Result<bool, RepositoryError> {
        let mut uow = UnitOfWorkFactory::begin(self, &Context::new(tenant)).await?;
        let made = uow.users().insert(user, event, welcome).await?;
        uow.commit().await?;
        Ok(made)
    }
}
