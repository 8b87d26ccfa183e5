use chrono::{DateTime, Utc};

use crate::UserId;

/// Which users are meant: all conditions must hold. Text is compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UserFilter {
    /// The deleted instead of the living.
    pub deleted: bool,
    /// Part of the e-mail address.
    pub email: Option<String>,
    /// Part of the user name.
    pub username: Option<String>,
    /// Part of the name.
    pub full_name: Option<String>,
    /// The whole e-mail address.
    pub email_exact: Option<String>,
    /// The whole user name.
    pub username_exact: Option<String>,
    /// Whether they may act.
    pub is_active: Option<bool>,
    /// Made at this moment or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Made at this moment or earlier.
    pub created_before: Option<DateTime<Utc>>,
    /// Last written at this moment or later.
    pub updated_after: Option<DateTime<Utc>>,
    /// Last written at this moment or earlier.
    pub updated_before: Option<DateTime<Utc>>,
    /// Deleted at this moment or earlier: of the deleted only.
    pub deleted_before: Option<DateTime<Utc>>,
}

/// Where a user stands in a list: the latest first, by `created_at` and then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserPosition {
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// Identity, which decides among those of the same moment.
    pub id: UserId,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// After so many others.
    Offset(u32),
    /// Behind this position; none for the beginning.
    After(Option<UserPosition>),
}

impl UserFilter {
    /// Every living user.
    pub fn living() -> Self {
        Self::default()
    }

    /// Every deleted user.
    pub fn deleted() -> Self {
        Self { deleted: true, ..Self::default() }
    }
}
