use chrono::{DateTime, Utc};

use super::{EmailAddress, FullName, NewUser, Username};
use crate::UserId;

/// A living user as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Identity within the tenant.
    pub id: UserId,
    /// Normal form.
    pub email: EmailAddress,
    /// As given.
    pub username: Username,
    /// How the user is addressed.
    pub full_name: Option<FullName>,
    /// Whether the user may act.
    pub is_active: bool,
    /// Incremented by every write.
    pub version: i64,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// When the user was last written.
    pub updated_at: DateTime<Utc>,
}

impl User {
    /// The user as they are right after they were made.
    pub fn new(id: UserId, new: NewUser, now: DateTime<Utc>) -> Self {
        let NewUser { email, username, full_name } = new;
        Self { id, email, username, full_name, is_active: true, version: 1, created_at: now, updated_at: now }
    }
}
