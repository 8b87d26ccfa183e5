use chrono::{DateTime, Utc};

use super::{FieldChange, User, UserChanges};

/// A user as stored, alive or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// The user.
    pub user: User,
    /// When they were deleted; none for the living.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl StoredUser {
    /// Applies changes; returns those that made a difference. Without any the user stays as it is, version included.
    pub fn change(&mut self, changes: UserChanges, now: DateTime<Utc>) -> Vec<FieldChange> {
        let UserChanges { email, username, full_name, is_active } = changes;
        let user = &mut self.user;
        let mut made = Vec::new();
        if let Some(email) = email.filter(|email| *email != user.email) {
            made.push(FieldChange::new("email", Some(user.email.as_str()), Some(email.as_str())));
            user.email = email;
        }
        if let Some(username) = username.filter(|username| *username != user.username) {
            made.push(FieldChange::new("username", Some(user.username.as_str()), Some(username.as_str())));
            user.username = username;
        }
        if let Some(full_name) = full_name.filter(|name| *name != user.full_name) {
            let text = |name: &Option<super::FullName>| name.as_ref().map(|name| name.as_str().to_owned());
            made.push(FieldChange::new("full_name", text(&user.full_name).as_deref(), text(&full_name).as_deref()));
            user.full_name = full_name;
        }
        if let Some(is_active) = is_active.filter(|active| *active != user.is_active) {
            let text = |active: bool| if active { "true" } else { "false" };
            made.push(FieldChange::new("is_active", Some(text(user.is_active)), Some(text(is_active))));
            user.is_active = is_active;
        }
        if !made.is_empty() {
            self.written(now);
        }
        made
    }

    /// Deletes a living user softly: the row stays, the address and the name are free.
    pub fn delete(&mut self, now: DateTime<Utc>) {
        self.deleted_at = Some(now);
        self.written(now);
    }

    /// Brings a deleted user back to life.
    pub fn restore(&mut self, now: DateTime<Utc>) {
        self.deleted_at = None;
        self.written(now);
    }

    fn written(&mut self, now: DateTime<Utc>) {
        self.user.version += 1;
        // A clock that was set back must not make a user older.
        self.user.updated_at = now.max(self.user.updated_at);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::UserId;
    use crate::users::{EmailPolicy, Given, NewUser, UserFields, UserPatch};

    fn ada() -> StoredUser {
        let policy = EmailPolicy { allow_special_use: false };
        let fields = UserFields { email: Some("ada@x.com"), username: Some("ada"), full_name: Some("Ada") };
        let new = NewUser::parse(fields, policy).unwrap();
        StoredUser { user: User::new(UserId::new(Uuid::nil()), new, DateTime::UNIX_EPOCH), deleted_at: None }
    }

    fn later() -> DateTime<Utc> {
        DateTime::from_timestamp(60, 0).unwrap()
    }

    #[test]
    fn only_what_differs_counts_as_a_change() {
        let mut user = ada();
        let patch = UserPatch {
            email: Given::Text("ADA@x.com"),
            full_name: Given::Null,
            is_active: Some(false),
            ..UserPatch::default()
        };
        let policy = EmailPolicy { allow_special_use: false };
        let changes = UserChanges::parse(patch, policy).unwrap();
        let made = user.change(changes.clone(), later());
        assert_eq!(made.iter().map(|change| change.field).collect::<Vec<_>>(), ["full_name", "is_active"]);
        assert_eq!((user.user.version, user.user.updated_at, &user.user.full_name), (2, later(), &None));
        let before = user.clone();
        assert_eq!(user.change(changes, later()), []);
        assert_eq!(user, before);
    }

    #[test]
    fn deleting_and_restoring_are_writes() {
        let mut user = ada();
        user.delete(later());
        assert_eq!((user.deleted_at, user.user.version), (Some(later()), 2));
        user.restore(DateTime::UNIX_EPOCH);
        assert_eq!((user.deleted_at, user.user.version, user.user.updated_at), (None, 3, later()));
    }
}
