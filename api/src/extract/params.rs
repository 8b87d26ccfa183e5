use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use crate::problem::Problem;

/// The query parameters. Unknown ones are ignored, as unknown members of a body are.
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let unreadable = |_| Problem::invalid("/query", "invalid_query", "the query cannot be read");
        query.map(|Query(params)| Self(params)).map_err(unreadable)
    }
}

impl Params {
    /// The value of a parameter that may be given once.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(invalid(name, &format!("{name} must be given once"))),
        }
    }

    /// As [`Self::get`], read by `read`; `right` says what would be right.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        right: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| invalid(name, &format!("{name} must be {right}")))
    }

    /// Whether something is wanted, if that is said.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.read(name, "true or false", |text| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }

    /// A number within bounds, or `default`.
    pub(crate) fn number<T>(&self, name: &str, least: T, most: T, default: T) -> Result<T, Problem>
    where
        T: FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        let within = |text: &str| text.parse().ok().filter(|number| (least..=most).contains(number));
        Ok(self.read(name, &format!("a number from {least} to {most}"), within)?.unwrap_or(default))
    }
}

fn invalid(name: &str, detail: &str) -> Problem {
    Problem::invalid(format!("/query/{name}"), "invalid_parameter", detail.to_owned())
}
