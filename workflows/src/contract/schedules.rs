//! Schedules of tenants.

#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;
use uuid::Uuid;

/// Input of the workflow `RunSchedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunScheduleInput {
    /// Whose schedule it is.
    pub tenant_id: Uuid,
    /// Which one.
    pub schedule_id: Uuid,
    /// Somebody has asked for this run.
    #[serde(default)]
    pub triggered: bool,
}

/// Input of the activity `begin_scheduled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginScheduled {
    /// Whose schedule it is.
    pub tenant_id: Uuid,
    /// Which one.
    pub schedule_id: Uuid,
    /// When the run was to be, as the workflow's id says it: a whole second in RFC 3339.
    pub at: String,
    /// Somebody has asked for this run.
    #[serde(default)]
    pub triggered: bool,
}

/// Activities on schedules.
pub struct ScheduleActivities;

#[activity_definitions]
impl ScheduleActivities {
    /// Begins the operation of a run.
    #[activity(name = "begin_scheduled")]
    pub fn begin_scheduled(_: BeginScheduled) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// What the activities crate implements.
pub mod definitions {
    pub use super::schedule_activities::*;
}
