use chrono::{DateTime, Utc};

use crate::operations::{Operation, OperationKind, OperationState, PauseReason};
use crate::users::{StoredUser, UserEventKind};
use crate::{OperationId, UserId, WebhookEndpointId};

/// What a tenant can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WebhookEvent {
    /// An operation has ended, in whatever state.
    OperationFinished,
    /// An operation was paused by its error budget: somebody has to decide.
    OperationPaused,
    /// A user was made alone.
    UserCreated,
    /// A user was changed, or restored.
    UserUpdated,
    /// A user was deleted, or removed for good.
    UserDeleted,
    /// Somebody tries an endpoint. Nobody subscribes to it.
    Test,
}

impl WebhookEvent {
    /// Those that an endpoint can subscribe to.
    pub const ALL: [Self; 5] =
        [Self::OperationFinished, Self::OperationPaused, Self::UserCreated, Self::UserUpdated, Self::UserDeleted];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OperationFinished => "operation.finished",
            Self::OperationPaused => "operation.paused",
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserDeleted => "user.deleted",
            Self::Test => "webhook.test",
        }
    }

    /// The event of that name that can be subscribed to.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// The event of that name, as stored.
    pub fn from_stored(name: &str) -> Option<Self> {
        if name == Self::Test.name() { Some(Self::Test) } else { Self::from_name(name) }
    }
}

/// Whom or what it happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// An operation.
    Operation(OperationId, OperationKind),
    /// An endpoint.
    Endpoint(WebhookEndpointId),
}

/// Something that a tenant may want to be told of. Ids and states only: whoever wants more asks the API, with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happening {
    /// What.
    pub event: WebhookEvent,
    /// To whom.
    pub subject: Subject,
    /// Where that is now.
    pub state: &'static str,
    /// When.
    pub at: DateTime<Utc>,
}

impl Happening {
    /// A write of a single user.
    pub fn of_user(kind: UserEventKind, stored: &StoredUser) -> Self {
        let event = match kind {
            UserEventKind::Created => WebhookEvent::UserCreated,
            // A restored user is one that changed: nobody was told that they are gone for good. Of what is noted in many
            // histories only the end of the operation is told.
            UserEventKind::Updated | UserEventKind::Restored | UserEventKind::Synced => WebhookEvent::UserUpdated,
            UserEventKind::Deleted => WebhookEvent::UserDeleted,
        };
        let state = match (stored.deleted_at, stored.user.is_active) {
            (Some(_), _) => "deleted",
            (None, true) => "active",
            (None, false) => "inactive",
        };
        Self { event, subject: Subject::User(stored.user.id), state, at: stored.user.updated_at }
    }

    /// The removal of a user for good.
    pub const fn of_removal(user: UserId, at: DateTime<Utc>) -> Self {
        Self { event: WebhookEvent::UserDeleted, subject: Subject::User(user), state: "removed", at }
    }

    /// An operation that was moved; none for moves that somebody has asked for and knows of.
    pub fn of_operation(operation: &Operation, at: DateTime<Utc>) -> Option<Self> {
        let by_budget = operation.pause.is_some_and(|pause| pause.reason == PauseReason::ErrorBudget);
        let event = match operation.state {
            state if state.is_final() => WebhookEvent::OperationFinished,
            OperationState::Paused if by_budget => WebhookEvent::OperationPaused,
            _ => return None,
        };
        let subject = Subject::Operation(operation.id, operation.kind);
        Some(Self { event, subject, state: operation.state.name(), at })
    }

    /// A trial of an endpoint.
    pub const fn of_test(endpoint: WebhookEndpointId, at: DateTime<Utc>) -> Self {
        Self { event: WebhookEvent::Test, subject: Subject::Endpoint(endpoint), state: "test", at }
    }

    /// The members of `data` on the wire.
    pub fn data(&self) -> Vec<(&'static str, String)> {
        let mut data = match self.subject {
            Subject::User(id) => vec![("user_id", id.to_string())],
            Subject::Operation(id, kind) => {
                vec![("operation_id", id.to_string()), ("kind", kind.name().to_owned())]
            }
            Subject::Endpoint(id) => vec![("endpoint_id", id.to_string())],
        };
        data.push(("state", self.state.to_owned()));
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::tests::operation;

    #[test]
    fn an_operation_is_told_of_when_it_ends_or_its_budget_pauses_it() {
        let mut operation = operation();
        let now = operation.created_at;
        let event = |operation: &Operation| Happening::of_operation(operation, now).map(|told| told.event.name());
        assert_eq!(event(&operation), None);
        operation.pause(PauseReason::Asked, now).unwrap();
        assert_eq!(event(&operation), None, "who asked knows");
        operation.resume(None).unwrap();
        assert_eq!(event(&operation), None);
        operation.pause(PauseReason::ErrorBudget, now).unwrap();
        assert_eq!(event(&operation), Some("operation.paused"));
        operation.cancel(now).unwrap();
        let told = Happening::of_operation(&operation, now).unwrap();
        assert_eq!((told.event.name(), told.state), ("operation.finished", "cancelled"));
        let names: Vec<_> = told.data().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["operation_id", "kind", "state"]);
    }

    #[test]
    fn every_event_is_read_by_its_name_and_a_trial_cannot_be_subscribed_to() {
        for event in WebhookEvent::ALL {
            assert_eq!(WebhookEvent::from_name(event.name()), Some(event));
        }
        assert_eq!(WebhookEvent::from_name("webhook.test"), None);
        assert_eq!(WebhookEvent::from_stored("webhook.test"), Some(WebhookEvent::Test));
    }
}
