use muster_domain::operations::{ErrorBudget, MatchBy, OnConflict, OnError, OperationOptions, UploadFormat};
use serde_json::{Map, Value};

use crate::extract::Params;
use crate::problem::Problem;

const ON_ERROR: &str = "on_error";
const SEND_WELCOME: &str = "send_welcome";
const MAX_ERRORS: &str = "max_errors";
const ON_CONFLICT: &str = "on_conflict";
const MATCH: &str = "match";
const DRY_RUN: &str = "dry_run";

/// What the client has said so far of how its rows are to be done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Asked {
    on_error: Option<OnError>,
    send_welcome: Option<bool>,
    max_errors: Option<ErrorBudget>,
    on_conflict: Option<OnConflict>,
    match_by: Option<MatchBy>,
    dry_run: Option<bool>,
}

impl Asked {
    pub(crate) fn in_query(params: &Params) -> Result<Self, Problem> {
        Ok(Self {
            on_error: params.read(ON_ERROR, "continue or abort", OnError::from_name)?,
            send_welcome: params.flag(SEND_WELCOME)?,
            dry_run: params.flag(DRY_RUN)?,
            max_errors: params.read(MAX_ERRORS, ErrorBudget::RIGHT, ErrorBudget::parse)?,
            on_conflict: params.read(ON_CONFLICT, "fail, skip, update or replace", OnConflict::from_name)?,
            match_by: params.read(MATCH, "email, username or id", MatchBy::from_name)?,
        })
    }

    /// The members of a JSON body win; null is the same as absent.
    pub(crate) fn overruled_by(self, envelope: &Map<String, Value>) -> Result<Self, Problem> {
        let member = |name: &str| envelope.get(name).filter(|value| !value.is_null());
        let on_error = match member(ON_ERROR) {
            None => self.on_error,
            Some(value) => Some(value.as_str().and_then(OnError::from_name).ok_or_else(|| {
                Problem::invalid("/on_error", "invalid_option", "on_error must be \"continue\" or \"abort\"")
            })?),
        };
        let flag = |name: &'static str, otherwise| match member(name) {
            None => Ok(otherwise),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| {
                Problem::invalid(format!("/{name}"), "invalid_option", format!("{name} must be true or false"))
            }),
        };
        let send_welcome = flag(SEND_WELCOME, self.send_welcome)?;
        let dry_run = flag(DRY_RUN, self.dry_run)?;
        let max_errors = match member(MAX_ERRORS) {
            None => self.max_errors,
            Some(value) => Some(budget(value).ok_or_else(|| {
                let detail = format!("max_errors must be {}", ErrorBudget::RIGHT);
                Problem::invalid("/max_errors", "invalid_option", detail)
            })?),
        };
        let on_conflict = match member(ON_CONFLICT) {
            None => self.on_conflict,
            Some(value) => Some(value.as_str().and_then(OnConflict::from_name).ok_or_else(|| {
                let detail = "on_conflict must be \"fail\", \"skip\", \"update\" or \"replace\"";
                Problem::invalid("/on_conflict", "invalid_option", detail)
            })?),
        };
        Ok(Self { on_error, send_welcome, max_errors, on_conflict, dry_run, ..self })
    }

    /// Of rows that meet nobody and welcome nobody.
    ///
    /// # Errors
    /// When something else is asked.
    pub(crate) fn of_tasks(self) -> Result<Self, Problem> {
        let wrong = [
            (SEND_WELCOME, self.send_welcome.is_some()),
            (ON_CONFLICT, self.on_conflict.is_some()),
            (MATCH, self.match_by.is_some()),
        ];
        match wrong.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(Self { send_welcome: Some(false), ..self }),
            Some((name, _)) => {
                let detail = format!("{name} is about users and means nothing for tasks");
                Err(Problem::invalid(format!("/query/{name}"), "invalid_option", detail))
            }
        }
    }

    /// Whether rows may give ids.
    pub(crate) fn is_by_id(self) -> bool {
        self.match_by == Some(MatchBy::Id)
    }

    /// What is asked, and the defaults for what is not.
    ///
    /// # Errors
    /// When rows are to find users although nothing would be done with them.
    pub(crate) fn or_default(self, format: UploadFormat) -> Result<OperationOptions, Problem> {
        let on_conflict = self.on_conflict.unwrap_or_default();
        if self.match_by.is_some() && on_conflict == OnConflict::Fail {
            let detail =
                "match says by what users are found, for on_conflict=skip, update or replace; give one of these";
            return Err(Problem::invalid("/query/match", "invalid_option", detail));
        }
        Ok(OperationOptions {
            on_error: self.on_error.unwrap_or(format.default_on_error()),
            send_welcome: self.send_welcome.unwrap_or(true),
            max_errors: self.max_errors,
            on_conflict,
            match_by: self.match_by.unwrap_or_default(),
            dry_run: self.dry_run.unwrap_or_default(),
        })
    }
}

/// A number, or text as in the query.
fn budget(value: &Value) -> Option<ErrorBudget> {
    match value {
        Value::Number(rows) => rows.as_u64().and_then(|rows| u32::try_from(rows).ok()).map(ErrorBudget::Rows),
        Value::String(text) => ErrorBudget::parse(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn overruled(asked: Asked, envelope: &Value) -> Result<OperationOptions, Problem> {
        asked.overruled_by(envelope.as_object().unwrap())?.or_default(UploadFormat::Json)
    }

    #[test]
    fn the_body_wins_over_the_query_and_that_over_the_default() {
        let asked = Asked { on_error: Some(OnError::Continue), send_welcome: Some(false), ..Asked::default() };
        let expected = |on_error, send_welcome| OperationOptions { send_welcome, ..OperationOptions::of(on_error) };
        assert_eq!(overruled(Asked::default(), &json!({})).unwrap(), expected(OnError::Abort, true));
        assert_eq!(overruled(asked, &json!({"on_error": null})).unwrap(), expected(OnError::Continue, false));
        let both = json!({"on_error": "abort", "send_welcome": true, "other": 1});
        assert_eq!(overruled(asked, &both).unwrap(), expected(OnError::Abort, true));
        for wrong in [
            json!({"on_error": "stop"}),
            json!({"on_error": 1}),
            json!({"send_welcome": "yes"}),
            json!({"on_conflict": "merge"}),
            json!({"max_errors": "many"}),
            json!({"max_errors": -1}),
        ] {
            assert!(overruled(asked, &wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_budget_is_a_number_or_a_share() {
        let query = Asked { max_errors: Some(ErrorBudget::Rows(7)), ..Asked::default() };
        for (body, budget) in [
            (json!({}), ErrorBudget::Rows(7)),
            (json!({"max_errors": 100}), ErrorBudget::Rows(100)),
            (json!({"max_errors": "100"}), ErrorBudget::Rows(100)),
            (json!({"max_errors": "1.5%"}), ErrorBudget::Share(150)),
        ] {
            assert_eq!(overruled(query, &body).unwrap().max_errors, Some(budget), "{body}");
        }
    }
}
