//! What fields were before an operation set them, as it is kept for an undo.

use muster_domain::users::{EmailAddress, FieldChange, FullName, UserChanges, Username};
use serde_json::{Map, Value};

use crate::AppError;

/// The former values, as a JSON object.
pub(super) fn former(made: &[FieldChange]) -> String {
    let values = made.iter().map(|change| (change.field.to_owned(), Value::from(change.before.clone())));
    Value::Object(values.collect()).to_string()
}

/// The changes that put them back.
///
/// # Errors
/// When they cannot be read, which is a defect of ours.
pub(super) fn put_back(former: &str) -> Result<UserChanges, AppError> {
    let values: Map<String, Value> = serde_json::from_str(former).map_err(AppError::internal)?;
    let text = |name: &str| values.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(UserChanges {
        email: text("email").map(EmailAddress::from_stored),
        username: text("username").map(Username::from_stored),
        full_name: values.contains_key("full_name").then(|| text("full_name").map(FullName::from_stored)),
        is_active: text("is_active").map(|is_active| is_active == "true"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_is_put_back_and_nothing_else() {
        let made = [
            FieldChange::new("email", Some("a@x.com"), Some("b@x.com")),
            FieldChange::new("full_name", None, Some("Ada")),
            FieldChange::new("is_active", Some("true"), Some("false")),
        ];
        let changes = put_back(&former(&made)).unwrap();
        assert_eq!(changes.email.unwrap().as_str(), "a@x.com");
        assert_eq!((changes.username, changes.full_name, changes.is_active), (None, Some(None), Some(true)));
    }
}
