//! Events of partners.

#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;
use uuid::Uuid;

/// Input of the workflow `ProcessPartnerEvent`, and of its activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerEventInput {
    /// Whose partner it is.
    pub tenant_id: Uuid,
    /// What it has told: our id of it.
    pub event_id: Uuid,
}

/// Activities on what partners tell.
pub struct PartnerActivities;

#[activity_definitions]
impl PartnerActivities {
    /// Begins the operation that an event asks for.
    #[activity(name = "process_partner_event")]
    pub fn process_partner_event(_: PartnerEventInput) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// What the activities crate implements.
pub mod definitions {
    pub use super::partner_activities::*;
}
