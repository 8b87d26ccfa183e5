use chrono::{DateTime, TimeDelta, Utc};

use super::{EndpointChanges, NewEndpoint, WebhookEvent, WebhookSecret, WebhookUrl};
use crate::WebhookEndpointId;

/// Most endpoints of a tenant: each event costs a delivery for each.
pub const MAX_ENDPOINTS: u32 = 20;
/// How long deliveries are signed with the former secret as well, after a rotation.
const FORMER_VALID: TimeDelta = TimeDelta::hours(24);

/// Why an endpoint is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisableReason {
    /// Somebody asked for it.
    Asked,
    /// It answered that it is gone (410).
    Gone,
}

impl DisableReason {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Asked, Self::Gone];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// That an endpoint is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: DisableReason,
}

/// The secret before the last rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerSecret {
    /// The secret.
    pub secret: WebhookSecret,
    /// Until when deliveries are signed with it as well.
    pub valid_until: DateTime<Utc>,
}

/// Where a tenant wants to be told of some events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its identity.
    pub id: WebhookEndpointId,
    /// Where deliveries go.
    pub url: WebhookUrl,
    /// For people.
    pub description: Option<String>,
    /// What it is told of: some, each once.
    pub events: Vec<WebhookEvent>,
    /// What deliveries are signed with.
    pub secret: WebhookSecret,
    /// What they were signed with before.
    pub former: Option<FormerSecret>,
    /// That it is told nothing.
    pub disabled: Option<Disabled>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl WebhookEndpoint {
    /// A new endpoint, which is told from now on.
    pub fn new(id: WebhookEndpointId, new: NewEndpoint, secret: WebhookSecret, now: DateTime<Utc>) -> Self {
        let NewEndpoint { url, description, events } = new;
        Self { id, url, description, events, secret, former: None, disabled: None, created_at: now, updated_at: now }
    }

    /// Applies changes; whether any made a difference.
    pub fn change(&mut self, changes: EndpointChanges, now: DateTime<Utc>) -> bool {
        let before = self.clone();
        let EndpointChanges { url, description, events, enabled } = changes;
        self.url = url.unwrap_or_else(|| before.url.clone());
        self.description = description.unwrap_or_else(|| before.description.clone());
        self.events = events.unwrap_or_else(|| before.events.clone());
        match enabled {
            Some(true) => self.disabled = None,
            // One that is disabled stays so, for the reason that it was.
            Some(false) => self.disable(DisableReason::Asked, now),
            None => {}
        }
        let is_changed = *self != before;
        if is_changed {
            self.updated_at = now;
        }
        is_changed
    }

    /// Stops what it is told. One that is disabled already stays so, for the reason that it was.
    pub fn disable(&mut self, reason: DisableReason, now: DateTime<Utc>) {
        if self.disabled.is_none() {
            self.disabled = Some(Disabled { at: now, reason });
            self.updated_at = now;
        }
    }

    /// From now on deliveries are signed with a new secret, and for a day with this one as well. Of an earlier rotation
    /// nothing is left: two are valid at most.
    pub fn rotate(&mut self, secret: WebhookSecret, now: DateTime<Utc>) {
        let former = std::mem::replace(&mut self.secret, secret);
        self.former = Some(FormerSecret { secret: former, valid_until: now + FORMER_VALID });
        self.updated_at = now;
    }

    /// The former secret, while it is valid.
    pub fn former_at(&self, now: DateTime<Utc>) -> Option<&FormerSecret> {
        self.former.as_ref().filter(|former| now < former.valid_until)
    }

    /// What a delivery is signed with: the current secret first.
    pub fn secrets_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = &WebhookSecret> {
        std::iter::once(&self.secret).chain(self.former_at(now).map(|former| &former.secret))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Networks;

    fn endpoint() -> WebhookEndpoint {
        let url = WebhookUrl::parse("https://example.com", &Networks::default()).unwrap();
        let new = NewEndpoint { url, description: None, events: vec![WebhookEvent::UserCreated] };
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        WebhookEndpoint::new(WebhookEndpointId::new(Uuid::from_u128(1)), new, WebhookSecret::new([1; 32]), now)
    }

    #[test]
    fn after_a_rotation_two_secrets_are_valid_for_a_day() {
        let mut endpoint = endpoint();
        let now = endpoint.created_at;
        let valid = |endpoint: &WebhookEndpoint, now| {
            endpoint.secrets_at(now).map(|secret| secret.expose()[0]).collect::<Vec<_>>()
        };
        assert_eq!(valid(&endpoint, now), [1]);
        endpoint.rotate(WebhookSecret::new([2; 32]), now);
        assert_eq!(valid(&endpoint, now), [2, 1]);
        assert_eq!(valid(&endpoint, now + TimeDelta::hours(24) - TimeDelta::microseconds(1)), [2, 1]);
        assert_eq!(valid(&endpoint, now + TimeDelta::hours(24)), [2]);
        endpoint.rotate(WebhookSecret::new([3; 32]), now);
        assert_eq!(valid(&endpoint, now), [3, 2], "the first one is valid no more");
    }

    #[test]
    fn a_change_that_makes_no_difference_is_none() {
        let mut endpoint = endpoint();
        let later = endpoint.created_at + TimeDelta::hours(1);
        let changes = EndpointChanges { enabled: Some(true), ..EndpointChanges::default() };
        assert!(!endpoint.change(changes, later));
        assert_eq!(endpoint.updated_at, endpoint.created_at);
        endpoint.disable(DisableReason::Gone, later);
        let changes = EndpointChanges { enabled: Some(false), ..EndpointChanges::default() };
        assert!(!endpoint.change(changes, later));
        assert_eq!(endpoint.disabled.unwrap().reason, DisableReason::Gone);
        let changes = EndpointChanges { enabled: Some(true), ..EndpointChanges::default() };
        assert!(endpoint.change(changes, later));
        assert_eq!(endpoint.disabled, None);
    }

    #[test]
    fn nothing_of_a_secret_is_shown_by_accident() {
        let mut endpoint = endpoint();
        endpoint.rotate(WebhookSecret::new([2; 32]), endpoint.created_at);
        let text = format!("{endpoint:?}");
        assert!(!text.contains("1, 1") && !text.contains("2, 2") && !text.contains("example.com"), "{text}");
    }
}
