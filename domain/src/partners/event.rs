use chrono::{DateTime, Utc};

use crate::{OperationId, PartnerClientId, PartnerEventId};

/// Longest type and id of an event, in characters.
pub const MAX_EVENT_TEXT: usize = 255;

/// Something that a partner tells, before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPartnerEvent {
    /// Our id of it.
    pub id: PartnerEventId,
    /// Who tells it.
    pub client: PartnerClientId,
    /// Their id of it: told again, it is the same event.
    pub event_id: String,
    /// What happened, in their words.
    pub event_type: String,
    /// What they say of it: JSON without NUL.
    pub data: String,
}

/// Where an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerEventState {
    /// It is stored, and waits to be done.
    Received,
    /// It has begun an operation, which has a fate of its own.
    Processed,
    /// Its type means nothing here.
    Ignored,
    /// Nothing came of it.
    Failed,
}

impl PartnerEventState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Received, Self::Processed, Self::Ignored, Self::Failed];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Why nothing came of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventRefusal {
    /// Its data is not what its type needs.
    DataNotUnderstood,
    /// The tenant had as much going on as it may, for as long as was waited.
    TenantLimit,
    /// The operation was refused.
    Refused,
    /// Its workflow was ended before anything was done.
    WorkflowEnded,
}

impl EventRefusal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DataNotUnderstood, Self::TenantLimit, Self::Refused, Self::WorkflowEnded];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataNotUnderstood => "data_not_understood",
            Self::TenantLimit => "tenant_limit",
            Self::Refused => "refused",
            Self::WorkflowEnded => "workflow_ended",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Something that a partner has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerEvent {
    /// Our id of it.
    pub id: PartnerEventId,
    /// Who told it.
    pub client: PartnerClientId,
    /// Their id of it.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// What they said of it; none once an operation has it.
    pub data: Option<String>,
    /// Where it is.
    pub state: PartnerEventState,
    /// What it has begun.
    pub operation: Option<OperationId>,
    /// Why nothing came of it.
    pub reason: Option<EventRefusal>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When it was done, or was not.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Where an event stands in a list: the latest first, by `received_at` and then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartnerEventPosition {
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Identity, which decides among those of the same moment.
    pub id: PartnerEventId,
}

impl PartnerEvent {
    /// One that has just come.
    pub fn new(new: NewPartnerEvent, now: DateTime<Utc>) -> Self {
        let NewPartnerEvent { id, client, event_id, event_type, data } = new;
        let (data, state) = (Some(data), PartnerEventState::Received);
        let (operation, reason, ended_at) = (None, None, None);
        Self { id, client, event_id, event_type, data, state, operation, reason, received_at: now, ended_at }
    }

    /// An operation has it from here on. What was said is not kept twice: the operation's rows say it, and are removed in
    /// their time.
    pub fn process(&mut self, operation: OperationId, now: DateTime<Utc>) {
        self.operation = Some(operation);
        self.data = None;
        self.end(PartnerEventState::Processed, now);
    }

    /// It means nothing here.
    pub fn ignore(&mut self, now: DateTime<Utc>) {
        self.end(PartnerEventState::Ignored, now);
    }

    /// Nothing comes of it.
    pub fn fail(&mut self, reason: EventRefusal, now: DateTime<Utc>) {
        self.reason = Some(reason);
        self.end(PartnerEventState::Failed, now);
    }

    fn end(&mut self, state: PartnerEventState, now: DateTime<Utc>) {
        self.state = state;
        self.ended_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for state in PartnerEventState::ALL {
            assert_eq!(PartnerEventState::from_name(state.name()), Some(state));
        }
        for reason in EventRefusal::ALL {
            assert_eq!(EventRefusal::from_name(reason.name()), Some(reason));
        }
    }
}
