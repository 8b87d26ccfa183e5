//! How the JSON of Protocol Buffers writes names.

use temporalio_common::protos::temporal::api::enums::v1::{
    CancelExternalWorkflowExecutionFailedCause, ContinueAsNewInitiator, EventType, ParentClosePolicy, RetryState,
    SignalExternalWorkflowExecutionFailedCause, StartChildWorkflowExecutionFailedCause, TaskQueueKind, TimeoutType,
    UpdateAdmittedEventOrigin, VersioningBehavior, WorkflowIdReusePolicy, WorkflowTaskFailedCause,
};

/// The number of an enum's value. Their names begin with that of the enum, so no two enums have the same.
pub(super) fn named(text: &str) -> Option<i32> {
    EventType::from_str_name(text)
        .map(i32::from)
        .or_else(|| TaskQueueKind::from_str_name(text).map(i32::from))
        .or_else(|| RetryState::from_str_name(text).map(i32::from))
        .or_else(|| TimeoutType::from_str_name(text).map(i32::from))
        .or_else(|| ParentClosePolicy::from_str_name(text).map(i32::from))
        .or_else(|| VersioningBehavior::from_str_name(text).map(i32::from))
        .or_else(|| ContinueAsNewInitiator::from_str_name(text).map(i32::from))
        .or_else(|| WorkflowIdReusePolicy::from_str_name(text).map(i32::from))
        .or_else(|| WorkflowTaskFailedCause::from_str_name(text).map(i32::from))
        .or_else(|| UpdateAdmittedEventOrigin::from_str_name(text).map(i32::from))
        .or_else(|| StartChildWorkflowExecutionFailedCause::from_str_name(text).map(i32::from))
        .or_else(|| SignalExternalWorkflowExecutionFailedCause::from_str_name(text).map(i32::from))
        .or_else(|| CancelExternalWorkflowExecutionFailedCause::from_str_name(text).map(i32::from))
}

/// `workflow_type` as `workflowType`.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capital(word))
}

/// A word with a capital in front.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
