//! The JSON body of an export.

use muster_application::exports::NewExport;
use muster_domain::operations::{OperationKind, UploadFormat};
use muster_domain::users::UserFilter;

use super::request::{Members, conditions, known_members, wrong};
use crate::problem::Problem;

/// The export that a body asks for; none if it asks for something else.
pub(super) fn parse(members: &Members, key: Option<&str>) -> Result<Option<NewExport>, Problem> {
    if members.get("kind").and_then(|kind| kind.as_str()) != Some(OperationKind::UsersExport.name()) {
        return Ok(None);
    }
    known_members(members, &["kind", "filter", "format"])?;
    let right = "filter must be an object with conditions; leave it away for all users";
    let filter = match members.get("filter") {
        Some(filter) => {
            conditions(filter.as_object().ok_or_else(|| wrong("filter", right))?, OperationKind::UsersExport)?
        }
        None => UserFilter::living(),
    };
    let format = match members.get("format").map(|format| format.as_str()) {
        None | Some(Some("ndjson")) => UploadFormat::Ndjson,
        Some(Some("csv")) => UploadFormat::Csv,
        Some(_) => return Err(wrong("format", "format must be ndjson or csv")),
    };
    Ok(Some(NewExport { filter, format, key: key.map(str::to_owned) }))
}
