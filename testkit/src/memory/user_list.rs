use std::cmp::Reverse;

use async_trait::async_trait;
use muster_domain::operations::RowIds;
use muster_domain::users::{
    BlockEvent, FullName, PageStart, StoredUser, User, UserEvent, UserFilter, UserList, UserSnapshot,
};
use muster_domain::{EventId, RepositoryError, TenantId, UserId};

use super::MemoryStore;

fn matches(user: &User, filter: &UserFilter) -> bool {
    let contains = |text: &str, part: &Option<String>| {
        part.as_ref().is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
    };
    let is = |text: &str, whole: &Option<String>| {
        whole.as_ref().is_none_or(|whole| text.to_lowercase() == whole.to_lowercase())
    };
    let name = user.full_name.as_ref().map(FullName::as_str);
    contains(user.email.as_str(), &filter.email)
        && contains(user.username.as_str(), &filter.username)
        && (filter.full_name.is_none() || name.is_some_and(|name| contains(name, &filter.full_name)))
        && is(user.email.as_str(), &filter.email_exact)
        && is(user.username.as_str(), &filter.username_exact)
        && filter.is_active.is_none_or(|is_active| is_active == user.is_active)
        && filter.created_after.is_none_or(|moment| user.created_at >= moment)
        && filter.created_before.is_none_or(|moment| user.created_at <= moment)
        && filter.updated_after.is_none_or(|moment| user.updated_at >= moment)
        && filter.updated_before.is_none_or(|moment| user.updated_at <= moment)
}

impl MemoryStore {
    fn matching(&self, tenant: TenantId, filter: &UserFilter) -> Vec<User> {
        let state = self.tenant(tenant);
        let mut users: Vec<User> = if filter.deleted {
            let is_meant = |stored: &&StoredUser| {
                filter.deleted_before.is_none_or(|moment| stored.deleted_at.is_some_and(|at| at <= moment))
            };
            state.deleted.values().filter(is_meant).map(|stored| stored.user.clone()).collect()
        } else {
            state.users.values().map(|user| User::clone(user)).collect()
        };
        users.retain(|user| matches(user, filter));
        users.sort_by_key(|user| Reverse((user.created_at, user.id)));
        users
    }
}

#[async_trait]
impl UserList for MemoryStore {
    async fn page(
        &self,
        tenant: TenantId,
        filter: &UserFilter,
        start: PageStart,
        limit: u32,
    ) -> Result<Vec<User>, RepositoryError> {
        self.fault().call()?;
        let mut users = self.matching(tenant, filter);
        let skip = match start {
            PageStart::Offset(offset) => usize::try_from(offset).unwrap_or(usize::MAX),
            PageStart::After(after) => {
                users
                    .retain(|user| after.is_none_or(|after| (user.created_at, user.id) < (after.created_at, after.id)));
                0
            }
        };
        Ok(users.into_iter().skip(skip).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn snapshot(&self, tenant: TenantId, filter: &UserFilter) -> Result<Box<dyn UserSnapshot>, RepositoryError> {
        self.fault().call()?;
        let mut users = self.matching(tenant, filter);
        users.sort_by_key(|user| user.id);
        Ok(Box::new(MemorySnapshot { store: self.clone(), users: users.into_iter() }))
    }

    async fn total(&self, tenant: TenantId, filter: &UserFilter) -> Result<u64, RepositoryError> {
        self.fault().call()?;
        Ok(u64::try_from(self.matching(tenant, filter).len()).unwrap_or(u64::MAX))
    }

    async fn history(
        &self,
        tenant: TenantId,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<UserEvent>>, RepositoryError> {
        self.fault().call()?;
        let state = self.tenant(tenant);
        if state.any_user(user).is_none() {
            return Ok(None);
        }
        let made_by = |event: &BlockEvent| {
            let created_at = RowIds::created_at(user);
            (event.first..=event.last).contains(&user)
                && created_at.is_some_and(|at| RowIds::new(tenant, event.operation, at).row(user).is_some())
        };
        let mut events = state.history(made_by, user);
        events.retain(|event| before.is_none_or(|before| event.id < before));
        events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Some(events))
    }
}

/// Users as they were when it was taken.
struct MemorySnapshot {
    store: MemoryStore,
    users: std::vec::IntoIter<User>,
}

#[async_trait]
impl UserSnapshot for MemorySnapshot {
    async fn next(&mut self, limit: u32) -> Result<Vec<User>, RepositoryError> {
        self.store.fault().call()?;
        Ok(self.users.by_ref().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }
}
