//! Closed sets of names, from the lists that the program itself reads and writes them by.

use std::borrow::Cow;

use muster_application::ErrorCode;
use muster_domain::operations::{
    MatchBy, OnConflict, OnError, OperationKind, OperationState, Relation, RowStatus, UploadFormat,
};
use muster_domain::schedules::{NewSchedule, ScheduleState, SkipReason};
use muster_domain::tasks::{Orphans, TaskPriority, TaskStatus};
use muster_domain::users::UserEventKind;
use muster_domain::webhooks::{DeliveryError, DeliveryState, DisableReason, WebhookEvent};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::v1::tasks::SORTS;

macro_rules! names {
    ($($(#[$doc:meta])+ $type:ident as $public:literal, like $example:literal: $all:expr;)+) => {$(
        $(#[$doc])+
        pub(crate) struct $type;

        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let values: Vec<&'static str> = $all;
                let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values));
                names.examples([$example]).into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($public)
            }
        }
    )+};
}

names! {
    /// Code of a problem.
    CodeName as "ErrorCode", like "VALIDATION_ERROR": ErrorCode::ALL.iter().filter(|code| code.is_answered()).map(|code| code.name()).collect();
    /// What an operation does.
    KindName as "OperationKind", like "users.import": OperationKind::ALL.map(OperationKind::name).into();
    /// What an operation does with users or tasks that are there.
    ChangeKindName as "ChangeKind", like "users.deactivate": OperationKind::CHANGES.into_iter().chain(OperationKind::TASK_CHANGES).map(OperationKind::name).collect();
    /// What an operation does that a JSON body begins.
    BegunKindName as "BegunKind", like "users.deactivate": OperationKind::CHANGES.into_iter().chain(OperationKind::TASK_CHANGES).chain([OperationKind::UsersExport]).map(OperationKind::name).collect();
    /// How the file of an export is written.
    FileFormatName as "FileFormat", like "ndjson": [UploadFormat::Ndjson, UploadFormat::Csv].map(UploadFormat::name).into();
    /// Where an operation is.
    StateName as "OperationState", like "partially_succeeded": OperationState::ALL.map(OperationState::name).into();
    /// How rows were uploaded.
    FormatName as "UploadFormat", like "csv": UploadFormat::ALL.map(UploadFormat::name).into();
    /// What happens to a bad row.
    OnErrorName as "OnError", like "continue": OnError::ALL.map(OnError::name).into();
    /// What becomes of what a cancelled operation has done.
    OnCancelName as "OnCancel", like "keep": ["keep", "undo"].into();
    /// What an operation does about its parent.
    RelationName as "Relation", like "undo": Relation::ALL.map(Relation::name).into();
    /// What an import does with a row whose user is there already.
    OnConflictName as "OnConflict", like "fail": OnConflict::ALL.map(OnConflict::name).into();
    /// By what a row finds its user.
    MatchName as "Match", like "email": MatchBy::ALL.map(MatchBy::name).into();
    /// What became of a row.
    RowStatusName as "RowStatus", like "failed": RowStatus::ALL.map(RowStatus::name).into();
    /// Which rows are listed.
    RowFilterName as "RowFilter", like "failed": ["all"].into_iter().chain(RowStatus::ALL.map(RowStatus::name)).chain(["pending"]).collect();
    /// How rows are answered.
    RowsFormatName as "RowsFormat", like "json": ["json", "ndjson", "csv"].into();
    /// What happened to a user.
    EventKindName as "UserEventKind", like "updated": UserEventKind::ALL.map(UserEventKind::name).into();
    /// What a schedule begins.
    ScheduleKindName as "ScheduleKind", like "users.delete": NewSchedule::KINDS.map(OperationKind::name).into();
    /// Whether a schedule runs.
    ScheduleStateName as "ScheduleState", like "active": ScheduleState::ALL.map(ScheduleState::name).into();
    /// Why a run of a schedule has begun nothing.
    SkipReasonName as "ScheduleSkipReason", like "nobody_found": SkipReason::ALL.map(SkipReason::name).into();
    /// How far a task is.
    TaskStatusName as "TaskStatus", like "todo": TaskStatus::ALL.map(TaskStatus::name).into();
    /// How much a task matters.
    TaskPriorityName as "TaskPriority", like "normal": TaskPriority::ALL.map(TaskPriority::name).into();
    /// How tasks are sorted.
    TaskSortName as "TaskSort", like "due_at": SORTS.map(|(name, _)| name).into();
    /// Who gets the open tasks of a user who is deleted.
    OrphansName as "WhenAssigneeDeleted", like "unassign": Orphans::ALL.map(Orphans::name).into();
    /// What an endpoint can be told of.
    WebhookEventName as "WebhookEvent", like "operation.finished": WebhookEvent::ALL.map(WebhookEvent::name).into();
    /// What a delivery tells.
    DeliveryEventName as "WebhookDeliveryType", like "operation.finished": WebhookEvent::ALL.into_iter().chain([WebhookEvent::Test]).map(WebhookEvent::name).collect();
    /// Where a delivery is.
    DeliveryStateName as "WebhookDeliveryState", like "delivered": DeliveryState::ALL.map(DeliveryState::name).into();
    /// Why an attempt had no answer, or a delivery no attempt.
    DeliveryErrorName as "WebhookDeliveryError", like "timed_out": DeliveryError::ALL.map(DeliveryError::name).into();
    /// Why an endpoint is told nothing.
    DisableReasonName as "WebhookDisableReason", like "gone": DisableReason::ALL.map(DisableReason::name).into();
}
