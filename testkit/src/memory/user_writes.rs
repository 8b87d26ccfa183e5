use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_domain::operations::KeyOwner;
use muster_domain::users::{BlockEvent, StoredUser, User, UserEvent, UserEventKind};
use muster_domain::webhooks::Happening;
use muster_domain::{RepositoryError, UserId};

use super::unit::defect;
use super::{StoredWelcome, TenantState};

impl TenantState {
    pub(super) fn insert_one(&mut self, user: &User, event: &UserEvent, welcome: bool) -> bool {
        if self.users.get(&user.id).is_some_and(|stored| **stored == *user) {
            return true;
        }
        let is_free = !self.emails.contains_key(user.email.as_str())
            && !self.usernames.contains_key(&user.username.folded())
            && self.any_user(user.id).is_none();
        if is_free {
            let stored = StoredUser { user: user.clone(), deleted_at: None };
            self.tell(&Happening::of_user(event.kind, &stored));
            self.put(stored);
            self.events.push(event.clone());
            if welcome {
                let waiting = StoredWelcome { queued_at: user.created_at, batch: None, looked_at: None, refused: None };
                self.welcomes.insert(user.id, waiting);
            }
        }
        is_free
    }

    /// A user, alive or deleted.
    pub fn any_user(&self, id: UserId) -> Option<StoredUser> {
        let living = self.users.get(&id).map(|user| StoredUser { user: User::clone(user), deleted_at: None });
        living.or_else(|| self.deleted.get(&id).cloned())
    }

    pub(super) fn store_one(&mut self, stored: &StoredUser, event: &UserEvent) -> Result<(), RepositoryError> {
        self.store_quietly(stored, event)?;
        self.tell(&Happening::of_user(event.kind, stored));
        Ok(())
    }

    /// Without a word to endpoints, as many are stored at once.
    pub(super) fn store_quietly(&mut self, stored: &StoredUser, event: &UserEvent) -> Result<(), RepositoryError> {
        let user = &stored.user;
        let before = self.any_user(user.id).filter(|before| before.user.version == user.version - 1);
        let before = before.ok_or_else(|| defect("a write that is not the next version"))?;
        if stored.deleted_at.is_none() {
            let held = |holder: Option<&UserId>| holder.is_some_and(|holder| *holder != user.id);
            if held(self.emails.get(user.email.as_str())) {
                return Err(RepositoryError::Conflict { field: "email" });
            }
            if held(self.usernames.get(&user.username.folded())) {
                return Err(RepositoryError::Conflict { field: "username" });
            }
        }
        self.take_out(&before);
        self.put(stored.clone());
        self.events.push(event.clone());
        Ok(())
    }

    pub(super) fn remove_one(&mut self, id: UserId, now: DateTime<Utc>) -> bool {
        let removed = self.remove_quietly(id);
        if removed {
            self.tell(&Happening::of_removal(id, now));
        }
        removed
    }

    /// Without a word to endpoints, as many are removed at once.
    pub(super) fn remove_quietly(&mut self, id: UserId) -> bool {
        let Some(before) = self.any_user(id) else { return false };
        self.take_out(&before);
        Arc::make_mut(&mut self.unindexed).remove(&id);
        self.events.retain(|event| event.user != id);
        self.welcomes.remove(&id);
        self.reminders.retain(|_, stored| stored.refused.is_none() || stored.mail.reminder.to != id);
        for row in Arc::make_mut(&mut self.rows).values_mut().filter(|row| row.user == Some(id)) {
            row.before = None;
        }
        self.keys.retain(|_, key| key.owner != KeyOwner::User(id));
        true
    }

    /// The history of a user who is there, the latest first.
    pub(super) fn history(&self, ids: impl Fn(&BlockEvent) -> bool, user: UserId) -> Vec<UserEvent> {
        let mut events: Vec<_> = self.events.iter().filter(|event| event.user == user).cloned().collect();
        events.extend(self.block_events.iter().filter(|event| ids(event)).map(|event| UserEvent {
            id: event.id,
            user,
            kind: UserEventKind::Created,
            actor: event.actor.clone(),
            operation: Some(event.operation),
            fields: Vec::new(),
            at: event.at,
        }));
        events.sort_by_key(|event| Reverse(event.id));
        events
    }

    fn put(&mut self, stored: StoredUser) {
        let id = stored.user.id;
        Arc::make_mut(&mut self.unindexed).insert(id);
        if stored.deleted_at.is_some() {
            self.deleted.insert(id, stored);
            return;
        }
        Arc::make_mut(&mut self.emails).insert(stored.user.email.as_str().to_owned(), id);
        Arc::make_mut(&mut self.usernames).insert(stored.user.username.folded(), id);
        Arc::make_mut(&mut self.users).insert(id, Arc::new(stored.user));
    }

    fn take_out(&mut self, stored: &StoredUser) {
        if self.deleted.remove(&stored.user.id).is_none() {
            self.remove_user(stored.user.id);
        }
    }
}
