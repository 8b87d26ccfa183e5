//! The JSON body.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use muster_application::AppError;
use muster_application::imports::{ImportRow, Upload};
use muster_application::tasks::read_task_filter;
use muster_application::users::{WrongFilter, read_filter, shown};
use muster_domain::operations::OperationKind;
use muster_domain::tasks::TaskFilter;
use muster_domain::users::UserFilter;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::{BegunKindName, FileFormatName, TaskPriorityName, TaskStatusName};
use crate::problem::{ErrorDetail, Problem};

/// Ids in a body.
const MAX_IDS: usize = 10_000;
/// What is asked for when the kind is wrong.
pub(super) const KINDS: &str = "users.update, users.deactivate, users.delete, users.restore, users.erase, tasks.start, \
                                tasks.complete, tasks.cancel, tasks.reopen or tasks.delete";

/// What to do with whom: `ids` or `filter`, one of the two; of `users.export` a `filter`, or nobody for all users.
#[derive(ToSchema, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct OperationRequest {
    /// What to do.
    #[schema(value_type = BegunKindName)]
    kind: String,
    /// Whom, by id: 1 to 10 000.
    #[schema(min_items = 1, max_items = 10_000, nullable = false, example = json!(["01981c5e-7a00-7000-8000-000000000001"]))]
    ids: Option<Vec<Uuid>>,
    /// Whom, by the conditions of the search, which must all hold. Of `users.restore` these are about the deleted.
    #[schema(nullable = false)]
    filter: Option<FilterRequest>,
    /// For `users.update`: what to set.
    #[schema(nullable = false)]
    set: Option<SetRequest>,
    /// For `users.export`: how the file is written; `ndjson` by default.
    #[schema(value_type = Option<FileFormatName>, nullable = false)]
    format: Option<String>,
}

/// Conditions on users, or on tasks for `tasks.…`: at least one, unless users are exported. They mean what the parameters of
/// the search and of the list of tasks mean.
#[derive(ToSchema, Deserialize)]
#[serde(deny_unknown_fields)]
#[schema(as = OperationFilter)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct FilterRequest {
    /// Part of the e-mail address.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "old.example.com"
    )]
    email: Option<String>,
    /// Part of the user name.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "test_"
    )]
    username: Option<String>,
    /// Part of the name.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "Lovelace"
    )]
    full_name: Option<String>,
    /// Whether they may act.
    #[schema(nullable = false, example = false)]
    is_active: Option<bool>,
    /// Made at this moment or later.
    #[schema(nullable = false, example = "2026-01-01T00:00:00Z")]
    created_after: Option<DateTime<Utc>>,
    /// Made at this moment or earlier.
    #[schema(nullable = false, example = "2026-01-31T00:00:00Z")]
    created_before: Option<DateTime<Utc>>,
    /// Last written at this moment or later.
    #[schema(nullable = false, example = "2026-01-01T00:00:00Z")]
    updated_after: Option<DateTime<Utc>>,
    /// Last written at this moment or earlier.
    #[schema(nullable = false, example = "2026-01-31T00:00:00Z")]
    updated_before: Option<DateTime<Utc>>,
    /// Deleted at this moment or earlier, of `users.erase`, `users.restore` and `users.export`: these are about the deleted
    /// then.
    #[schema(nullable = false, example = "2026-01-31T00:00:00Z")]
    deleted_before: Option<DateTime<Utc>>,
    /// Of tasks: how far they are.
    #[schema(value_type = Option<TaskStatusName>, nullable = false)]
    status: Option<String>,
    /// Of tasks: how much they matter.
    #[schema(value_type = Option<TaskPriorityName>, nullable = false)]
    priority: Option<String>,
    /// Of tasks: the user who is to do them; null is nobody.
    #[schema(example = json!(null))]
    assignee_id: Option<Uuid>,
    /// Of tasks: a tag that they have.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 50,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "calls"
    )]
    tag: Option<String>,
    /// Of tasks: due at this moment or later.
    #[schema(nullable = false, example = "2026-01-01T00:00:00Z")]
    due_after: Option<DateTime<Utc>>,
    /// Of tasks: due at this moment or earlier.
    #[schema(nullable = false, example = "2026-01-31T00:00:00Z")]
    due_before: Option<DateTime<Utc>>,
    /// Of tasks: part of the title or of the description.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "ada"
    )]
    text: Option<String>,
}

/// Fields to set. A member that is absent leaves its field as it is. Addresses and user names differ from user to user: they
/// are set by rows of NDJSON or CSV.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OperationSet)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct SetRequest {
    /// The name; `null` clears it.
    #[schema(max_length = 255, example = json!(null))]
    full_name: Option<String>,
    /// Whether they may act.
    #[schema(nullable = false, example = true)]
    is_active: Option<bool>,
}

/// The body as it was read.
pub(super) struct Request {
    pub(super) kind: OperationKind,
    whom: Whom,
    full_name: Option<String>,
    clears_name: bool,
    is_active: Option<bool>,
}

enum Whom {
    Ids(Vec<Uuid>),
    Filter(UserFilter),
    Tasks(TaskFilter),
}

/// Those that change users who are there.
pub(super) fn kind(name: &str) -> Option<OperationKind> {
    OperationKind::CHANGES.into_iter().chain(OperationKind::TASK_CHANGES).find(|kind| kind.name() == name)
}

pub(super) fn wrong(member: &str, detail: impl Into<String>) -> Problem {
    Problem::invalid(format!("/{member}"), "invalid_option", detail.into())
}

/// The members of the body.
pub(super) type Members = Map<String, Value>;

pub(super) fn members(body: &[u8]) -> Result<Members, Problem> {
    serde_json::from_slice(body).map_err(|_| Problem::invalid("", "invalid_json", "the body must be a JSON object"))
}

pub(super) fn known_members(members: &Members, known: &[&str]) -> Result<(), Problem> {
    let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    // Its name may be anything.
    let detail = format!("member {} is not known; there are {}", shown(other), known.join(", "));
    Err(Problem::invalid("", "unknown_member", detail))
}

impl Request {
    pub(super) fn parse(members: &Members) -> Result<Self, Problem> {
        known_members(members, &["kind", "ids", "filter", "set"])?;
        let kind = members.get("kind").and_then(Value::as_str).and_then(kind);
        let kind = kind.ok_or_else(|| wrong("kind", format!("kind must be {KINDS}, or users.export")))?;
        let whom = match (members.get("ids"), members.get("filter")) {
            (Some(ids), None) => Whom::Ids(parse_ids(ids)?),
            (None, Some(filter)) if kind.is_of_tasks() => Whom::Tasks(task_conditions(some_conditions(filter)?)?),
            (None, Some(filter)) => Whom::Filter(conditions(some_conditions(filter)?, kind)?),
            _ => return Err(wrong("ids", "give either ids or filter: whom it is about")),
        };
        let mut request = Self { kind, whom, full_name: None, clears_name: false, is_active: None };
        match (members.get("set"), kind) {
            (Some(set), OperationKind::UsersUpdate) => request.parse_set(set)?,
            (None, OperationKind::UsersUpdate) => {
                return Err(wrong("set", "users.update needs set: the fields to set"));
            }
            (Some(_), _) => return Err(wrong("set", "only users.update sets fields")),
            (None, _) => {}
        }
        Ok(request)
    }

    fn parse_set(&mut self, set: &Value) -> Result<(), Problem> {
        let right = "set must be an object with full_name (text or null), is_active (true or false), or both";
        let members = set.as_object().filter(|members| !members.is_empty()).ok_or_else(|| wrong("set", right))?;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("full_name", Value::Null) => self.clears_name = true,
                ("full_name", Value::String(text)) => self.full_name = Some(text.clone()),
                ("is_active", Value::Bool(is_active)) => self.is_active = Some(*is_active),
                _ => return Err(wrong("set", right)),
            }
        }
        Ok(())
    }

    /// A row for each user.
    pub(super) async fn push_to(&self, upload: &mut Upload) -> Result<(), Problem> {
        let template = ImportRow {
            full_name: self.full_name.as_deref().map(Cow::Borrowed),
            clears_name: self.clears_name,
            is_active: self.is_active,
            ..ImportRow::default()
        };
        match &self.whom {
            Whom::Filter(filter) => {
                if !upload.gather(filter, &template).await? {
                    return Err(Problem::from(AppError::invalid("the filter finds nobody, so there is nothing to do")));
                }
            }
            Whom::Tasks(filter) => {
                if !upload.gather_tasks(filter).await? {
                    return Err(Problem::from(AppError::invalid(
                        "the filter finds no task, so there is nothing to do",
                    )));
                }
            }
            Whom::Ids(ids) => {
                for (line, id) in (1..).zip(ids) {
                    upload.push(&ImportRow { line, id: Some(id.to_string().into()), ..template.clone() })?;
                }
            }
        }
        Ok(())
    }
}

fn parse_ids(ids: &Value) -> Result<Vec<Uuid>, Problem> {
    let ids = ids.as_array().filter(|ids| (1..=MAX_IDS).contains(&ids.len()));
    let ids = ids.ok_or_else(|| wrong("ids", "ids must be an array of 1 to 10000 ids; send more as NDJSON or CSV"))?;
    let id = |(index, id): (usize, &Value)| {
        let id = id.as_str().and_then(|text| Uuid::parse_str(text).ok());
        id.ok_or_else(|| Problem::invalid(format!("/ids/{index}"), "invalid_id", "must be a UUID"))
    };
    ids.iter().enumerate().map(id).collect()
}

fn some_conditions(filter: &Value) -> Result<&Members, Problem> {
    let members = filter.as_object().filter(|members| !members.is_empty());
    members.ok_or_else(|| wrong("filter", "filter must be an object with at least one condition"))
}

/// Which tasks an operation means by these conditions.
fn task_conditions(members: &Members) -> Result<TaskFilter, Problem> {
    read_task_filter(members).map_err(|wrong| Problem::wrong(vec![wrong_filter(wrong)]))
}

/// Whom an operation of this kind means by these conditions.
pub(super) fn conditions(members: &Members, kind: OperationKind) -> Result<UserFilter, Problem> {
    read_filter(members, kind, None).map_err(|wrong| Problem::wrong(vec![wrong_filter(wrong)]))
}

/// A condition that is wrong, or not known.
pub(crate) fn wrong_filter(WrongFilter { condition, detail }: WrongFilter) -> ErrorDetail {
    let pointer = condition.map_or_else(|| "/filter".to_owned(), |condition| format!("/filter/{condition}"));
    ErrorDetail::new(pointer, "invalid_option", detail)
}
