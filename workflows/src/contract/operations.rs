//! Importing users.

#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;
use uuid::Uuid;

/// Input of the workflow `RunOperation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOperationInput {
    /// Whose operation it is.
    pub tenant_id: Uuid,
    /// Which one.
    pub operation_id: Uuid,
    /// How many blocks it has.
    pub blocks: u32,
    /// The first block that earlier runs have not taken care of.
    #[serde(default)]
    pub first_block: u32,
    /// Ranges after which the workflow continues as new; 0 leaves it to the policy.
    #[serde(default)]
    pub ranges_per_run: u32,
    /// Earlier runs have left welcome mails to send.
    #[serde(default)]
    pub has_mails: bool,
    /// Something is to be seen to before the first block.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prepare: bool,
    /// It has so few rows that it is not to wait for others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub small: bool,
}

/// Input of `prepare_operation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareOperation {
    /// Whose operation it is.
    pub tenant_id: Uuid,
    /// Which one.
    pub operation_id: Uuid,
}

/// Input of `run_range`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRange {
    /// Whose operation it is.
    pub tenant_id: Uuid,
    /// Which one.
    pub operation_id: Uuid,
    /// First block, from 0.
    pub first_block: u32,
    /// Last block.
    pub last_block: u32,
}

/// Output of `prepare_operation`, `run_range` and `finish_operation`. Counts are in the ledger, not here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeDone {
    /// The operation has reached a final state.
    pub ended: bool,
    /// There are welcome mails to send.
    pub has_mails: bool,
    /// The operation is paused: what was not done waits.
    #[serde(default)]
    pub paused: bool,
    /// Where the operation is, for the search attribute.
    #[serde(default)]
    pub state: String,
}

/// Input of `finish_operation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishOperation {
    /// Whose operation it is.
    pub tenant_id: Uuid,
    /// Which one.
    pub operation_id: Uuid,
    /// Some range could not be done in all its attempts.
    #[serde(default)]
    pub failed: bool,
}

/// Activities on rows.
pub struct OperationActivities;

#[activity_definitions]
impl OperationActivities {
    /// Sees to what concerns all blocks, before any of them begins.
    #[activity(name = "prepare_operation")]
    pub fn prepare_operation(_: PrepareOperation) -> Result<RangeDone, ActivityError> {
        unimplemented!()
    }

    /// Does every block of a range that is not done.
    #[activity(name = "run_range")]
    pub fn run_range(_: BlockRange) -> Result<RangeDone, ActivityError> {
        unimplemented!()
    }

    /// Judges the ledger and ends the operation.
    #[activity(name = "finish_operation")]
    pub fn finish_operation(_: FinishOperation) -> Result<RangeDone, ActivityError> {
        unimplemented!()
    }
}

/// What the activities crate implements.
pub mod definitions {
    pub use super::operation_activities::*;
}
