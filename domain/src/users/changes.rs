use super::{EmailAddress, EmailPolicy, FullName, Username};
use crate::FieldError;

/// A member of a request that may be absent, `null` or text: three things that mean three things.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Given<'a> {
    /// Not there: nothing is said about the field.
    #[default]
    Absent,
    /// `null`: the field is to be cleared.
    Null,
    /// A value, unchecked.
    Text(&'a str),
}

/// What a client wants changed about a user, unchecked.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserPatch<'a> {
    /// Cannot be cleared.
    pub email: Given<'a>,
    /// Cannot be cleared.
    pub username: Given<'a>,
    /// Can be cleared.
    pub full_name: Given<'a>,
    /// Whether the user may act.
    pub is_active: Option<bool>,
}

/// Changes that keep every rule which needs no look at other users. What is none stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// The address from now on.
    pub email: Option<EmailAddress>,
    /// The user name from now on.
    pub username: Option<Username>,
    /// The name from now on; the inner none clears it.
    pub full_name: Option<Option<FullName>>,
    /// Whether the user may act from now on.
    pub is_active: Option<bool>,
}

impl UserChanges {
    /// Checks all fields at once.
    ///
    /// # Errors
    /// One error for each field that breaks a rule.
    pub fn parse(patch: UserPatch<'_>, policy: EmailPolicy) -> Result<Self, Vec<FieldError>> {
        let email = required("email", patch.email, |text| EmailAddress::parse(text, policy));
        let username = required("username", patch.username, Username::parse);
        let full_name = match patch.full_name {
            Given::Absent => Ok(None),
            Given::Null => Ok(Some(None)),
            Given::Text(text) => FullName::parse(text).map(Some),
        };
        match (email, username, full_name) {
            (Ok(email), Ok(username), Ok(full_name)) => {
                Ok(Self { email, username, full_name, is_active: patch.is_active })
            }
            (email, username, full_name) => {
                Err([email.err(), username.err(), full_name.err()].into_iter().flatten().collect())
            }
        }
    }
}

fn required<T>(
    field: &'static str,
    given: Given<'_>,
    parse: impl FnOnce(&str) -> Result<T, FieldError>,
) -> Result<Option<T>, FieldError> {
    match given {
        Given::Absent => Ok(None),
        Given::Null => Err(FieldError::new(field, "missing", "must not be null; leave it out to keep it")),
        Given::Text(text) => parse(text).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: EmailPolicy = EmailPolicy { allow_special_use: false };

    #[test]
    fn absent_keeps_null_clears_and_a_value_replaces() {
        let changes = UserChanges::parse(UserPatch::default(), POLICY).unwrap();
        assert_eq!(changes, UserChanges::default());
        let patch = UserPatch { full_name: Given::Null, email: Given::Text("A@x.com"), ..UserPatch::default() };
        let changes = UserChanges::parse(patch, POLICY).unwrap();
        assert_eq!(changes.full_name, Some(None));
        assert_eq!(changes.email.unwrap().as_str(), "a@x.com");
    }

    #[test]
    fn what_is_required_cannot_be_cleared_and_every_broken_field_is_named() {
        let patch = UserPatch { email: Given::Null, username: Given::Text("x"), ..UserPatch::default() };
        let errors = UserChanges::parse(patch, POLICY).unwrap_err();
        let found: Vec<_> = errors.iter().map(|error| (error.field, error.code)).collect();
        assert_eq!(found, [("email", "missing"), ("username", "too_short")]);
    }
}
