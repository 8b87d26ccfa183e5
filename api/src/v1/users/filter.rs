//! Conditions on users, as clients write them.

use muster_application::users::part;
use muster_domain::instant;
use muster_domain::users::UserFilter;

use crate::extract::Params;
use crate::problem::Problem;

/// The conditions in a query.
pub(super) fn filter(params: &Params) -> Result<UserFilter, Problem> {
    let right = "text of at most 255 characters without control characters";
    let text = |name| Ok::<_, Problem>(params.read(name, right, part)?.filter(|text| !text.is_empty()));
    let moment = |name| params.read(name, "an instant such as 2026-01-31T12:00:00Z", instant);
    Ok(UserFilter {
        email: text("email")?,
        username: text("username")?,
        full_name: text("full_name")?,
        email_exact: text("email_exact")?,
        username_exact: text("username_exact")?,
        is_active: params.read("is_active", "true or false", yes_or_no)?,
        created_after: moment("created_after")?,
        created_before: moment("created_before")?,
        updated_after: moment("updated_after")?,
        ..UserFilter::living()
    })
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}
