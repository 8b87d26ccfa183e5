use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_domain::users::{FieldChange, FieldDigest, UserEvent, UserEventKind};
use muster_domain::{EventId, UserId};

use crate::App;

/// Bytes of a digest that are kept: enough to tell values apart.
const DIGEST_BYTES: usize = 16;

impl App {
    /// A line of a user's history.
    pub(crate) fn user_event(
        &self,
        actor: Option<Arc<str>>,
        user: UserId,
        kind: UserEventKind,
        changes: &[FieldChange],
        at: DateTime<Utc>,
    ) -> UserEvent {
        let id = self.ports.ids.event_id();
        let fields = changes.iter().map(|change| digests(id, change)).collect();
        UserEvent { id, user, kind, actor, operation: None, fields, at }
    }
}

fn digests(id: EventId, change: &FieldChange) -> FieldDigest {
    let digest = |value: &Option<String>| value.as_deref().map(|value| digest(id, change.field, value));
    FieldDigest { field: change.field.to_owned(), before: digest(&change.before), after: digest(&change.after) }
}

/// Salted with the line's id: who knows a value can check it against one line, but equal values look different in
/// any two lines, so the lines alone do not tell who shares or takes back an address.
fn digest(id: EventId, field: &str, value: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id.get().as_bytes()).update(field.as_bytes()).update(&[0]).update(value.as_bytes());
    hasher.finalize().to_hex().chars().take(2 * DIGEST_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_digest_can_be_checked_and_says_nothing_across_lines() {
        let (one, two) = (EventId::new(Uuid::from_u128(1)), EventId::new(Uuid::from_u128(2)));
        let change = FieldChange::new("email", Some("a@x.com"), None);
        assert_eq!(digests(one, &change), digests(one, &change));
        assert_ne!(digests(one, &change).before, digests(two, &change).before);
        assert_ne!(digest(one, "email", "a"), digest(one, "username", "a"));
        assert_eq!(digests(one, &change).before.unwrap().len(), 2 * DIGEST_BYTES);
        assert_eq!(digests(one, &change).after, None);
    }
}
