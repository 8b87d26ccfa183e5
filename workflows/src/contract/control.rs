//! Looking after operations.

#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Activities on operations of all tenants.
pub struct ControlActivities;

#[activity_definitions]
impl ControlActivities {
    /// Starts, removes and forgets what crashes and outages left behind.
    #[activity(name = "sweep")]
    pub fn sweep((): ()) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// What the activities crate implements.
pub mod definitions {
    pub use super::control_activities::*;
}
