use chrono::{DateTime, Utc};
use muster_domain::users::{FullName, User};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::v1::time;

/// A user as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserResponse)]
pub(crate) struct UserView {
    /// Normal form: lower case, no display name.
    #[schema(example = "ada@example.com")]
    email: String,
    /// Unique within the tenant without regard to case.
    #[schema(example = "ada")]
    username: String,
    /// How the user is addressed.
    #[schema(example = "Ada Lovelace")]
    full_name: Option<String>,
    /// Identity.
    id: Uuid,
    /// Whether the user may act.
    #[schema(example = true)]
    is_active: bool,
    /// When the user was made.
    #[serde(serialize_with = "time::instant")]
    created_at: DateTime<Utc>,
    /// When the user was last written.
    #[serde(serialize_with = "time::instant")]
    updated_at: DateTime<Utc>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            email: user.email.into_string(),
            username: user.username.into_string(),
            full_name: user.full_name.map(FullName::into_string),
            id: user.id.get(),
            is_active: user.is_active,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// The `ETag` of a user as they are.
pub(super) fn etag(user: &User) -> String {
    format!("\"v{}\"", user.version)
}
