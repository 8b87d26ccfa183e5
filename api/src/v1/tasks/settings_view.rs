use axum::http::StatusCode;
use chrono::NaiveTime;
use muster_application::ErrorCode;
use muster_domain::FieldError;
use muster_domain::tasks::{QuietHours, TaskSettings};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::openapi::OrphansName;
use crate::problem::{ErrorDetail, Problem};

/// How a tenant's tasks are treated.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskSettings)]
pub(crate) struct SettingsView {
    /// The clock of quiet hours, of mails, and of tasks that come again: a name of the IANA database.
    #[schema(example = "Europe/Berlin")]
    time_zone: &'static str,
    /// When nobody is reminded; what is due then goes out at their end.
    #[schema(inline, example = json!({ "from": "22:00", "to": "07:00" }))]
    quiet_hours: Option<QuietView>,
    /// Who gets the open tasks of a user who is deleted: nobody, or whoever created them.
    #[schema(value_type = OrphansName)]
    when_assignee_deleted: &'static str,
}

/// Hours by the clock of the tenant; they may reach over midnight.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuietHours)]
pub(crate) struct QuietView {
    /// When they begin.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "22:00")]
    from: String,
    /// When they end.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "07:00")]
    to: String,
}

impl From<TaskSettings> for SettingsView {
    fn from(settings: TaskSettings) -> Self {
        let text = |time: NaiveTime| time.format("%H:%M").to_string();
        Self {
            time_zone: settings.zone.name(),
            quiet_hours: settings.quiet.map(|QuietHours { from, to }| QuietView { from: text(from), to: text(to) }),
            when_assignee_deleted: settings.orphans.name(),
        }
    }
}

/// Settings as a body gives them; what it leaves out is as by default. What is no text is as wrong as the wrong text.
pub(super) fn read(members: &Map<String, Value>) -> Result<TaskSettings, Problem> {
    let text = |name: &str| members.get(name).map(|given| given.as_str().unwrap_or_default());
    let quiet = members.get("quiet_hours").filter(|given| !given.is_null()).map(|given| {
        let time = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        (time("from"), time("to"))
    });
    TaskSettings::parse(text("time_zone"), quiet, text("when_assignee_deleted")).map_err(|wrong| {
        let detail = |error: FieldError| ErrorDetail::new(format!("/{}", error.field), error.code, error.detail);
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::ValidationError, "the settings break a rule")
            .errors(wrong.into_iter().map(detail).collect())
    })
}
